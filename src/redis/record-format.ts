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

/** Where the commit id begins, behind "1 <13 digits> ". */
const COMMIT_AT = 16;
const STAMP = /^1 \d{13} $/;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const TYPE = /^[A-Za-z0-9_.-]{1,64}$/;

/** Undefined if the entry is no record of ours. */
export function parseEntry([entryId, fields]: StreamEntry): StoredRecord | undefined {
  const text = fields[1];
  if (fields.length !== 2 || text === undefined || !entryId.endsWith("-0")) return undefined;
  return parseRecord(Number(entryId.slice(0, -2)), text);
}

/** Undefined if the text is no record of ours. */
export function parseRecord(version: number, text: string): StoredRecord | undefined {
  const commitEnd = text.indexOf(" ", COMMIT_AT);
  const messageEnd = text.indexOf(" ", commitEnd + 1);
  const headEnd = text.indexOf("\n", messageEnd + 1);
  if (commitEnd < 0 || messageEnd < 0 || headEnd < 0) return undefined;
  const eventEnd = text.indexOf("\n", headEnd + 1);
  const record = {
    version,
    at: Number(text.slice(2, COMMIT_AT - 1)),
    commitId: text.slice(COMMIT_AT, commitEnd),
    messageId: text.slice(commitEnd + 1, messageEnd),
    type: text.slice(messageEnd + 1, headEnd),
    event: text.slice(headEnd + 1, eventEnd < 0 ? undefined : eventEnd),
    reply: eventEnd < 0 ? "" : text.slice(eventEnd + 1),
  };
  return STAMP.test(text.slice(0, COMMIT_AT)) && isSound(record) ? record : undefined;
}

function isSound({ version, commitId, messageId, type }: StoredRecord): boolean {
  return Number.isSafeInteger(version) && ID.test(commitId) && ID.test(messageId) && TYPE.test(type);
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
