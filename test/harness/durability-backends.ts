// The backends of durability, for the laws: opened as a node opens them, with replicas that a test can freeze.

import { randomBytes } from "node:crypto";
import type { DurabilityBackend } from "../../src/laws/durability.ts";
import { MemoryDurability } from "../../src/memory/durability.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { Durability } from "../../src/ports/durability.ts";
import { openRedis } from "../../src/redis/open.ts";
import type { Ends } from "./open-backend.ts";
import { RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

const PARTITIONS = 8;

export function memoryDurability(): DurabilityBackend & Ends {
  const none = "it has neither disk nor replicas";
  return {
    name: "memory",
    clock: systemClock,
    partitions: PARTITIONS,
    replicas: 0,
    open: async () => new MemoryDurability(),
    cannot: {
      "replicas that keep up are told, in each partition": none,
      "more than there are is not reached, at the deadline and not later": none,
      "replicas that are frozen: not reached in time, and reached when they go on": none,
      "a thousand that ask at once are all answered": none,
    },
    close: async () => {},
  };
}

/** @param replicas all that there are, the same number of each master */
export function redisDurability(
  url: string,
  replicas: readonly RedisServer[],
  ofEach: number,
): DurabilityBackend & Ends {
  const network = `durability-${randomBytes(6).toString("hex")}`;
  const stores: { close(): Promise<void> }[] = [];
  return {
    name: url.includes(",") ? "redis-cluster" : "redis",
    clock: systemClock,
    partitions: PARTITIONS,
    replicas: ofEach,
    cannot: {},
    async open(): Promise<Durability> {
      const { store, durability } = await openRedis({
        redis: url,
        network,
        settings: { partitions: PARTITIONS, log: false, lookbackMs: 60_000 },
        clock: systemClock,
        nextId: () => "call",
        timeoutMs: 10_000,
      });
      stores.push(store);
      return durability;
    },
    async freezeReplicas() {
      for (const replica of replicas) replica.freeze();
      return () => {
        for (const replica of replicas) replica.thaw();
      };
    },
    async close() {
      await Promise.all(stores.map((store) => store.close()));
    },
  };
}

/** A replica of a server, once it follows. */
export async function replicaOf(master: RedisServer): Promise<RedisServer> {
  const replica = await RedisServer.start({ config: { replicaof: `127.0.0.1 ${master.port}` } });
  await until("the replica follows", async () => (await replica.info("master_link_status")) === "up");
  return replica;
}
