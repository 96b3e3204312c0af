// Nodes in processes of their own that work with durable effects, and what Redis and the file of runs say afterwards.

import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import type { StartOptions } from "../../src/index.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { parseEntry, type StreamEntry } from "../../src/redis/record-format.ts";
import type { DurableOrder } from "../programs/durable-node.ts";
import { Program } from "./program.ts";

export const PARTITIONS = 8;
const SECRET = "the secret of a test";

/** Starts one; it serves when this settles. */
export async function startDurable(
  order: Omit<DurableOrder, "start"> & {
    readonly redis: string;
    readonly network: string;
    readonly leaseMs: number;
  },
): Promise<Program> {
  const { redis, network, leaseMs, ...rest } = order;
  const cluster = { port: 0, secret: SECRET, leaseMs };
  const start: StartOptions = { redis, network, partitions: PARTITIONS, cluster };
  const program = new Program("durable-node", { ...rest, start });
  await program.prints("started", 60_000); // a machine with much other work needs its time
  return program;
}

export interface Logged {
  readonly id: string;
  readonly version: number;
  readonly commitId: string;
  readonly event: { readonly type: string; readonly [key: string]: unknown };
}

/** All records of a network, read with plain ioredis. */
export async function readAll(redis: Redis, network: string): Promise<readonly Logged[]> {
  const keys = await redis.keys(`{${network}:*}:e:*`);
  const logged: Logged[] = [];
  for (const key of keys) {
    const id = key.slice(-36);
    for (const entry of (await redis.xrange(key, "-", "+")) as StreamEntry[]) {
      const record = parseEntry(entry);
      if (record === undefined) throw new Error(`${key} holds what is no record`);
      const { version, commitId, event } = record;
      logged.push({ id, version, commitId, event: JSON.parse(event) as Logged["event"] });
    }
  }
  return logged;
}

/** What BullMQ still has of jobs: their hashes, and what stands in its lists and sets. */
export async function jobsLeft(redis: Redis, network: string): Promise<readonly string[]> {
  const space = new KeySpace(network, PARTITIONS);
  const left: string[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const prefix = `${space.queuePrefix(partition)}:effects:`;
    for (const list of ["wait", "active"]) left.push(...(await redis.lrange(prefix + list, 0, -1)));
    for (const set of ["delayed", "failed", "completed"])
      left.push(...(await redis.zrange(prefix + set, "0", "-1")));
    left.push(...(await redis.keys(`${prefix}*-*`)).filter((key) => !key.endsWith(":stalled-check")));
  }
  return left;
}

/** The lines of the file of runs: what was done, and by which effect. */
export function runsIn(file: string): readonly { readonly what: string; readonly effectId: string }[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [what = "", effectId = ""] = line.split(" ");
      return { what, effectId };
    });
}
