// The backends of timers, for the laws: opened as a node opens them, and a connection of the test's own.

import { randomBytes } from "node:crypto";
import type { TimersBackend } from "../../src/laws/timers/law.ts";
import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { MemoryTimers } from "../../src/memory/timers.ts";
import { systemClock } from "../../src/node/clock.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { Mishaps } from "../../src/redis/mishaps.ts";
import type { Ends } from "./open-backend.ts";
import { clientOf, nameOf, openNetwork, PARTITIONS } from "./redis-network.ts";

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
  const client = clientOf(url);
  const mishaps = new Mishaps(client, new KeySpace(network, PARTITIONS));
  return {
    name: nameOf(url),
    clock,
    partitions: PARTITIONS,
    open: () => openNetwork(url, network),
    spoil: (key, timer, text) => mishaps.spoilTimer(key, timer, text),
    cannot: {},
    async close() {
      client.disconnect();
    },
  };
}
