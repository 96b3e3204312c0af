// Which store a node uses: Redis, or this process's memory.

import { IdSequence } from "../engine/ids.ts";
import { MemoryEventStore } from "../memory/event-store.ts";
import { MemoryLog } from "../memory/memory-log.ts";
import { MemoryTimers } from "../memory/timers.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Timers } from "../ports/timers.ts";
import { openRedis } from "../redis/open.ts";
import type { Settings } from "./settings.ts";

export interface OpenStore {
  readonly store: EventStore;
  readonly timers: Timers;
  readonly warnings: readonly string[];
}

export async function openStore(settings: Settings, clock: Clock): Promise<OpenStore> {
  const { redis, network, partitions, log, lookbackMs, startTimeoutMs: timeoutMs } = settings;
  if (redis === undefined) {
    const memory = new MemoryLog(clock);
    const store = new MemoryEventStore(clock, memory);
    return { store, timers: new MemoryTimers(clock, memory), warnings: [] };
  }
  const ids = new IdSequence();
  const nextId = () => ids.next();
  return await openRedis({
    redis,
    network,
    settings: { partitions, log, lookbackMs },
    clock,
    nextId,
    timeoutMs,
  });
}
