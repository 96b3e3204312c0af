// An entry of a partition's log: what one call to the store wrote there.

import type { StoredRecord } from "./record.ts";

/** What one commit brought to one entity. */
export interface LogLine {
  readonly id: string;
  /** The entity type that wrote it. */
  readonly type: string;
  /** Its first version. */
  readonly first: number;
  /** How many records. */
  readonly count: number;
}

export interface LogEntry {
  /** `<ms>-<number>`, by the store's clock, growing. */
  readonly entry: string;
  /** The call that wrote it. */
  readonly callId: string;
  /** In the order in which they were written. */
  readonly lines: readonly LogLine[];
}

/** Of a range's records those of one line: of one commit, for a line that was written in part is no other's. */
export function recordsOfLine(
  records: readonly StoredRecord[],
  { first, count }: LogLine,
): readonly StoredRecord[] {
  const before = records[0]?.version ?? 0;
  const from = Math.max(0, first - before);
  const own = records.slice(from, Math.max(from, first + count - before));
  const commitId = own[0]?.commitId;
  return own.every((record) => record.commitId === commitId)
    ? own
    : own.filter((record) => record.commitId === commitId);
}
