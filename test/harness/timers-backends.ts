// The backends of timers, for the laws: opened as a node opens them, and a connection of the test's own.

import { randomBytes } from "node:crypto";
import { Cluster, Redis } from "ioredis";
import { IdSequence } from "../../src/engine/ids.ts";
import type { TimersBackend } from "../../src/laws/timers/law.ts";
import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { MemoryTimers } from "../../src/memory/timers.ts";
import { systemClock } from "../../src/node/clock.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { openRedis } from "../../src/redis/open.ts";
import type { Ends } from "./open-backend.ts";

const PARTITIONS = 8;
const ids = new IdSequence();
const clock = systemClock;

export function memoryTimers(): TimersBackend & Ends {
  const log = new MemoryLog(clock);
  return {
    name: "memory",
    clock,
    partitions: PARTITIONS,
    open: async () => ({ store: new MemoryEventStore(clock, log), timers: new MemoryTimers(clock, log) }),
    cannot: {
      "what is no timer is told of as such, and ignored when it is ignored; the others are as they were":
        "its data are typed objects of this process, where nothing foreign can be put",
    },
    close: async () => {},
  };
}

/** @param url several, comma-separated: a cluster */
export function redisTimers(url: string): TimersBackend & Ends {
  const network = `timers-${randomBytes(6).toString("hex")}`;
  const space = new KeySpace(network, PARTITIONS);
  const [first = "", ...rest] = url.split(",");
  const client = rest.length === 0 ? new Redis(first) : new Cluster([first, ...rest]);
  client.on("error", () => {}); // each call fails, and says so
  return {
    name: rest.length === 0 ? "redis" : "redis-cluster",
    clock,
    partitions: PARTITIONS,
    open: () =>
      openRedis({
        redis: url,
        network,
        settings: { partitions: PARTITIONS, log: true, lookbackMs: 60_000 },
        clock,
        nextId: () => ids.next(),
        timeoutMs: 10_000,
      }),
    async spoil(key, name, text) {
      if (text === null) await client.hdel(space.timers(key), name);
      else await client.hset(space.timers(key), name, text);
    },
    cannot: {},
    async close() {
      client.disconnect();
    },
  };
}
