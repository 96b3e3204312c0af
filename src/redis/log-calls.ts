// The typed side of log-read.lua, log-records.lua and log-ends.lua.

import type { LogEntry, LogLine } from "../core/log-entry.ts";
import { LOG_START, type LogPlace } from "../core/log-place.ts";
import type { StoredRecord } from "../core/record.ts";
import type { LogPage } from "../ports/log-reader.ts";
import type { KeySpace } from "./keys.ts";
import { parseLogEntry } from "./log-format.ts";
import { parseRecord, type StreamEntry } from "./record-format.ts";
import { type Client, Script } from "./script.ts";

export const logReadScript = new Script(new URL("./log-read.lua", import.meta.url));
export const logRecordsScript = new Script(new URL("./log-records.lua", import.meta.url));
export const logEndsScript = new Script(new URL("./log-ends.lua", import.meta.url));

/** The headers of the scripts; a test holds them together. */
export const logReadHeader = { keys: ["log"], args: ["at", "call", "skip", "limit"] } as const;
export const logRecordsHeader = { keys: ["stream"], args: ["budget", "from", "to"] } as const;
export const logEndsHeader = { keys: ["log"] } as const;

export interface ReadRequest {
  readonly partition: number;
  readonly after: LogPlace;
  readonly limit: number;
}

export async function runLogRead(
  client: Client,
  space: KeySpace,
  requests: readonly ReadRequest[],
): Promise<readonly LogPage[]> {
  const keys = requests.map(({ partition }) => space.log(partition));
  const args = requests.flatMap(({ after: { entry, callId, done }, limit }) => [
    entry,
    callId,
    done === 0 ? "1" : "0",
    `${limit}`,
  ]);
  const reply = (await logReadScript.run(client, keys, args)) as (readonly unknown[])[];
  return requests.map((request, i) => decodePage(request, reply[i] ?? []));
}

function decodePage({ after, limit }: ReadRequest, [status, ...rest]: readonly unknown[]): LogPage {
  switch (status) {
    case "page": {
      const [truncated, found] = rest as [number, StreamEntry[]];
      const entries: LogEntry[] = [];
      for (const one of found) {
        const entry = parseLogEntry(one);
        if (entry === undefined)
          return { kind: "unreadable", reason: `the log's entry ${one[0]} is none of Pachyderm's` };
        entries.push(entry);
      }
      return { kind: "page", entries, more: found.length >= limit, truncated };
    }
    case "diverged":
      return {
        kind: "diverged",
        reason: `the log does not hold the entry ${after.entry} of the call ${after.callId}`,
      };
    default:
      return { kind: "unreadable", reason: String(rest[0]) };
  }
}

/** Records of one entity that follow on each other; they may be of several lines. */
export interface Range {
  readonly id: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export type RangeAnswer =
  | { readonly kind: "records"; readonly records: readonly StoredRecord[] }
  | { readonly kind: "unreadable"; readonly reason: string };

/** @returns an answer for each range, or for the first ones, as far as `budget` characters go */
export async function runLogRecords(
  client: Client,
  space: KeySpace,
  ranges: readonly Range[],
  budget: number,
): Promise<readonly RangeAnswer[]> {
  const keys = ranges.map((range) => space.stream(range));
  const args = [`${budget}`];
  for (const { from, to } of ranges) args.push(`${from}`, `${to}`);
  const reply = (await logRecordsScript.run(client, keys, args)) as (readonly string[])[];
  return reply.map(decodeRange);
}

function decodeRange(answer: readonly string[]): RangeAnswer {
  const [first] = answer;
  if (first === undefined) return { kind: "records", records: [] };
  if (first === "unreadable") return { kind: "unreadable", reason: answer[1] ?? "" };
  const records: StoredRecord[] = [];
  const before = Number(first) - 1;
  for (let i = 1; i < answer.length; i++) {
    const record = parseRecord(before + i, answer[i] ?? "");
    if (record === undefined)
      return { kind: "unreadable", reason: `the record ${before + i} is none of Pachyderm's` };
    records.push(record);
  }
  return { kind: "records", records };
}

export type End = LogPlace | { readonly kind: "unreadable"; readonly reason: string };

export async function runLogEnds(
  client: Client,
  space: KeySpace,
  partitions: readonly number[],
): Promise<readonly End[]> {
  const keys = partitions.map((partition) => space.log(partition));
  const reply = (await logEndsScript.run(client, keys, [])) as [string, string][];
  return reply.map(([entry, callId]) => {
    if (entry === "") return LOG_START;
    if (entry === "unreadable") return { kind: "unreadable", reason: callId };
    return { entry, callId, done: 0 };
  });
}

/** How many records one range may have: one call of Redis holds up everybody else. */
const RANGE_RECORDS = 128;

/**
 * Lines to ranges: those of one entity that follow on each other become one, so that many events of few entities cost few
 * reads. And which range each line is in.
 */
export function rangesOf(
  partition: number,
  lines: readonly LogLine[],
): { readonly ranges: readonly Range[]; readonly rangeOf: readonly number[] } {
  const ranges: { id: string; partition: number; from: number; to: number }[] = [];
  const open = new Map<string, number>();
  const rangeOf = lines.map(({ id, first, count }) => {
    const place = open.get(id);
    const range = place === undefined ? undefined : ranges[place];
    const to = first + count - 1;
    if (place !== undefined && range?.to === first - 1 && to - range.from < RANGE_RECORDS) {
      range.to = to;
      return place;
    }
    ranges.push({ id, partition, from: first, to });
    open.set(id, ranges.length - 1);
    return ranges.length - 1;
  });
  return { ranges, rangeOf };
}
