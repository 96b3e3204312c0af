// The backends of the queues, for the laws: opened as a node opens them.

import type { JobsBackend } from "../../src/laws/jobs/law.ts";
import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryJobs } from "../../src/memory/jobs.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { Ends } from "./open-backend.ts";
import { nameOf, openNetwork } from "./redis-network.ts";

const clock = systemClock;

export function memoryJobs(): JobsBackend & Ends {
  const logs = new Map<string, MemoryLog>();
  return {
    name: "memory",
    clock,
    open: async (network) => {
      const log = logs.get(network) ?? new MemoryLog(clock);
      logs.set(network, log);
      return { store: new MemoryEventStore(clock, log), jobs: new MemoryJobs(clock, log.queues) };
    },
    cannot: {},
    close: async () => {},
  };
}

/** @param url several, comma-separated: a cluster */
export function redisJobs(url: string, stop: () => Promise<void>): JobsBackend & Ends {
  return {
    name: nameOf(url),
    clock,
    open: (network) => openNetwork(url, network, true),
    cannot: {},
    close: stop,
  };
}
