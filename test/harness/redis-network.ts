// A network for the laws, on a Redis that may be somebody's: nothing is shared, or flushed. It is opened as a node opens
// it; what befalls its data goes over a connection of the test's own.

import { Cluster, Redis } from "ioredis";
import { IdSequence } from "../../src/engine/ids.ts";
import type { FaultyServer } from "../../src/laws/server.ts";
import { systemClock } from "../../src/node/clock.ts";
import { type Opened, openRedis } from "../../src/redis/open.ts";
import type { RedisServer } from "./redis-server.ts";

export const PARTITIONS = 8;
const ids = new IdSequence();

/** @param url several, comma-separated: a cluster */
export async function openNetwork(url: string, network: string, durable = false): Promise<Opened> {
  return await openRedis({
    redis: url,
    network,
    settings: { partitions: PARTITIONS, log: true, lookbackMs: 60_000 },
    clock: systemClock,
    nextId: () => ids.next(),
    durable,
    timeoutMs: 10_000,
  });
}

/** A connection of the test's own. Whoever opens it closes it. */
export function clientOf(url: string): Redis | Cluster {
  const [first = "", ...rest] = url.split(",");
  const client = rest.length === 0 ? new Redis(first) : new Cluster([first, ...rest]);
  client.on("error", () => {}); // each call fails, and says so
  return client;
}

export function nameOf(url: string): "redis" | "redis-cluster" {
  return url.includes(",") ? "redis-cluster" : "redis";
}

export function faultsOf(all: readonly RedisServer[]): FaultyServer {
  return {
    freeze() {
      for (const server of all) server.freeze();
    },
    thaw() {
      for (const server of all) server.thaw();
    },
    async restart() {
      await Promise.all(all.map((server) => server.restart()));
    },
  };
}
