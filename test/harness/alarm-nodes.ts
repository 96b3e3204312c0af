// Nodes that host alarms, each a process, and what the log says of their timers.

import { partitionOf } from "../../src/core/partition.ts";
import { newId, type Pachyderm } from "../../src/index.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { parseEntry } from "../../src/redis/record-format.ts";
import type { AlarmNodeOrder } from "../programs/alarm-node.ts";
import { alarm, type Rung } from "./alarm.ts";
import { Program } from "./program.ts";
import type { RedisServer } from "./redis-server.ts";

const PARTITIONS = 32;

export async function startNode(order: AlarmNodeOrder): Promise<Program> {
  const node = new Program("alarm-node", order);
  await node.prints("ready");
  return node;
}

export async function stopNode(node: Program): Promise<void> {
  node.say("stop");
  const { code, stderr } = await node.ended(20_000);
  if (code !== 0) throw new Error(`a node ended with ${code}: ${stderr}`);
}

export async function killNode(node: Program): Promise<void> {
  node.kill();
  await node.ended(10_000);
}

export const newAlarms = (count: number): readonly string[] => Array.from({ length: count }, () => newId());

/**
 * Timers `t0`, `t1`, ... of alarms in turn, due at times that nobody chose between `from` and `to`.
 * @returns milliseconds by which that took longer than until `from`: some are late from the start then; 0: none is
 */
export async function setTimers(
  sender: Pachyderm,
  ids: readonly string[],
  count: number,
  [from, to]: readonly [number, number],
): Promise<number> {
  const each = 256;
  for (let begin = 0; begin < count; begin += each) {
    const numbers = Array.from({ length: Math.min(each, count - begin) }, (_, i) => begin + i);
    await Promise.all(
      numbers.map((n) => {
        const at = Math.floor(from + Math.random() * (to - from));
        const message = { type: "set", name: `t${n}`, at } as const;
        return sender.send(alarm.ref(ids[n % ids.length] ?? ""), message, { timeoutMs: 20_000 });
      }),
    );
  }
  return Math.max(0, Date.now() - from);
}

/** One event of an alarm, with the time of its record. */
export interface Logged extends Partial<Rung> {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly at: number;
}

/** All events of some alarms, from their streams: what the log holds, whoever tells otherwise. */
export async function readAlarms(
  server: RedisServer,
  network: string,
  ids: readonly string[],
): Promise<readonly Logged[]> {
  const space = new KeySpace(network, PARTITIONS);
  return await server.ask(async (redis) => {
    const events: Logged[] = [];
    for (const id of ids) {
      const key = { id, partition: partitionOf(id, PARTITIONS) };
      for (const entry of await redis.xrange(space.stream(key), "-", "+")) {
        const record = parseEntry(entry);
        if (record === undefined) throw new Error(`the entry ${entry[0]} of ${id} cannot be read`);
        events.push({ ...(JSON.parse(record.event) as Logged), id, at: record.at });
      }
    }
    return events;
  });
}

/** How many timers of the network wait for their time, or are overdue. */
export async function countTimers(server: RedisServer, network: string): Promise<number> {
  return await server.ask(async (redis) => {
    const space = new KeySpace(network, PARTITIONS);
    const counts = Array.from({ length: PARTITIONS }, (_, p) => redis.zcard(space.due(p)));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  });
}

/** How late each of these rang, milliseconds, in order: from its due time to the commit, both by Redis's clock. */
export function latenessOf(rang: readonly Logged[]): readonly number[] {
  return rang.map(({ at, dueAt = Number.NaN }) => at - dueAt).toSorted((a, b) => a - b);
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
