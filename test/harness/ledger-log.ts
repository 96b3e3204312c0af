// Reads a ledger's stream as it stands in Redis, with plain ioredis: what the log holds is not asked of the program
// that is being tested.

import type { Cluster, Redis } from "ioredis";
import { partitionOf } from "../../src/core/partition.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { parseEntry, type StreamEntry } from "../../src/redis/record-format.ts";
import { type Added, emptyLedger, foldLedger } from "../programs/ledger.ts";
import { type Attempt, checkHistory, type LoggedRecord, type Problem } from "./log-checker.ts";

const PARTITIONS = 32;
const PAGE = 10_000;

export function streamKey(network: string, id: string): string {
  return new KeySpace(network, PARTITIONS).stream({ id, partition: partitionOf(id, PARTITIONS) });
}

export async function readLedger(
  redis: Redis | Cluster,
  network: string,
  id: string,
): Promise<LoggedRecord<Added>[]> {
  const key = streamKey(network, id);
  const records: LoggedRecord<Added>[] = [];
  for (let from = "-"; ; ) {
    const entries = (await redis.xrange(key, from, "+", "COUNT", PAGE)) as StreamEntry[];
    for (const entry of entries) records.push(readEntry(entry));
    const last = entries.at(-1);
    if (last === undefined || entries.length < PAGE) return records;
    from = `(${last[0]}`;
  }
}

export function readEntry(entry: StreamEntry): LoggedRecord<Added> {
  const record = parseEntry(entry);
  if (record === undefined) throw new Error(`the entry ${entry[0]} is no record`);
  const event = JSON.parse(record.event) as Added;
  return { version: record.version, op: event.op, event };
}

/** All that is wrong between what senders were told and what the log holds. */
export function checkLedger(
  records: readonly LoggedRecord<Added>[],
  attempts: Iterable<Attempt>,
): readonly Problem[] {
  return checkHistory<Added, typeof emptyLedger>({
    records,
    attempts,
    init: emptyLedger,
    fold: foldLedger,
    text: (state) => JSON.stringify(state),
  });
}
