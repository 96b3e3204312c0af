// Which store a node uses: Redis, or this process's memory.

import { IdSequence } from "../engine/ids.ts";
import { MemoryCursors } from "../memory/cursors.ts";
import { MemoryEventStore } from "../memory/event-store.ts";
import { MemoryLogReader } from "../memory/log-reader.ts";
import { MemoryLog } from "../memory/memory-log.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cursors } from "../ports/cursors.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { LogReader } from "../ports/log-reader.ts";
import { openRedis } from "../redis/open.ts";
import type { Settings } from "./settings.ts";

export interface OpenStore {
  readonly store: EventStore;
  /** Null: the network keeps no log. */
  readonly log: { readonly reader: LogReader; readonly cursors: Cursors } | null;
  readonly warnings: readonly string[];
}

export async function openStore(settings: Settings, clock: Clock): Promise<OpenStore> {
  const { redis, network, partitions, log, lookbackMs, startTimeoutMs: timeoutMs } = settings;
  if (redis === undefined) return openMemory(log, clock);
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

function openMemory(log: boolean, clock: Clock): OpenStore {
  const data = new MemoryLog(clock, { log });
  const store = new MemoryEventStore(clock, data);
  if (!log) return { store, log: null, warnings: [] };
  const readers = { reader: new MemoryLogReader(clock, data), cursors: new MemoryCursors(clock, data) };
  return { store, log: readers, warnings: [] };
}
