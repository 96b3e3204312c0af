// The text of a record as it stands in a stream, and back. Golden files in test/golden hold every form ever written.

import type { StoredRecord } from "../core/record.ts";
import type { Commit, NewRecord } from "../ports/event-store.ts";

/** A stream entry as ioredis gives it: its id, and its fields and values in turn. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** What the commit script puts behind its stamp ("1 <epoch ms> "). JSON text holds no line break of its own. */
export function formatRecord({ commitId, type }: Commit, { messageId, event, reply }: NewRecord): string {
  const record = `${commitId} ${messageId} ${type}\n${event}`;
  return reply === "" ? record : `${record}\n${reply}`;
}

const HEAD = /^1 (\d{13}) ([A-Za-z0-9_-]{1,64}) ([A-Za-z0-9_-]{1,64}) ([A-Za-z0-9_.-]{1,64})$/;

/** Undefined if the entry is no record of ours. */
export function parseEntry([entryId, fields]: StreamEntry): StoredRecord | undefined {
  const text = fields[1];
  if (fields.length !== 2 || text === undefined || !entryId.endsWith("-0")) return undefined;
  const version = Number(entryId.slice(0, -2));
  const headEnd = text.indexOf("\n");
  const head = HEAD.exec(text.slice(0, Math.max(headEnd, 0)));
  if (head === null || !Number.isSafeInteger(version)) return undefined;
  const eventEnd = text.indexOf("\n", headEnd + 1);
  const [, at = "", commitId = "", messageId = "", type = ""] = head;
  return {
    version,
    at: Number(at),
    commitId,
    messageId,
    type,
    event: text.slice(headEnd + 1, eventEnd < 0 ? undefined : eventEnd),
    reply: eventEnd < 0 ? "" : text.slice(eventEnd + 1),
  };
}

export type ParsedEntries =
  | { readonly kind: "records"; readonly records: readonly StoredRecord[] }
  | { readonly kind: "unreadable"; readonly reason: string };

export function parseEntries(entries: readonly StreamEntry[]): ParsedEntries {
  const records: StoredRecord[] = [];
  for (const entry of entries) {
    const record = parseEntry(entry);
    if (record === undefined)
      return { kind: "unreadable", reason: `the entry ${entry[0]} is no record of Pachyderm's` };
    records.push(record);
  }
  return { kind: "records", records };
}
