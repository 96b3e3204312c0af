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
/** Of every record: one look is cheaper than one at each part. */
const HEAD = /^1 \d{13} [A-Za-z0-9_-]{1,64} [A-Za-z0-9_-]{1,64} [A-Za-z0-9_.-]{1,64}\n/;

/** Undefined if the entry is no record of ours. */
export function parseEntry([entryId, fields]: StreamEntry): StoredRecord | undefined {
  const text = fields[1];
  if (fields.length !== 2 || text === undefined || !entryId.endsWith("-0")) return undefined;
  return parseRecord(Number(entryId.slice(0, -2)), text);
}

/** Undefined if the text is no record of ours. */
export function parseRecord(version: number, text: string): StoredRecord | undefined {
  if (!Number.isSafeInteger(version) || !HEAD.test(text)) return undefined;
  const commitEnd = text.indexOf(" ", COMMIT_AT);
  const messageEnd = text.indexOf(" ", commitEnd + 1);
  const headEnd = text.indexOf("\n", messageEnd + 1);
  const eventEnd = text.indexOf("\n", headEnd + 1);
  return {
    version,
    at: Number(text.slice(2, COMMIT_AT - 1)),
    commitId: text.slice(COMMIT_AT, commitEnd),
    messageId: text.slice(commitEnd + 1, messageEnd),
    type: text.slice(messageEnd + 1, headEnd),
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

/** A stream entry as ioredis gives it where it is asked for bytes. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

/** As `parseEntries`, of long pages: of an entry no more is made text than its record. A fifth of a replay's time. */
export function parseRawEntries(entries: readonly RawEntry[]): ParsedEntries {
  const records: StoredRecord[] = [];
  for (const [id, fields] of entries) {
    const bytes = fields[1];
    const isOurs = fields.length === 2 && bytes !== undefined;
    const record = isOurs ? parseRecord(versionOf(id), bytes.toString()) : undefined;
    if (record === undefined)
      return { kind: "unreadable", reason: `the entry ${id.toString()} is no record of Pachyderm's` };
    records.push(record);
  }
  return { kind: "records", records };
}

const ZERO = 48;
const DASH = 45;

/** Of "<version>-0"; not a number for any other id. */
function versionOf(id: Buffer): number {
  const end = id.length - 2;
  if (end < 1 || id[end] !== DASH || id[end + 1] !== ZERO) return Number.NaN;
  let version = 0;
  for (let i = 0; i < end; i++) version = version * 10 + (id[i] ?? 0) - ZERO; // Redis's own digits
  return version;
}
