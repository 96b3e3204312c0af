// Which store a node uses: Redis, or this process's memory.

import { IdSequence } from "../engine/ids.ts";
import { MemoryDurability } from "../memory/durability.ts";
import { MemoryEventStore } from "../memory/event-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Durability } from "../ports/durability.ts";
import type { EventStore } from "../ports/event-store.ts";
import { openRedis } from "../redis/open.ts";
import type { Settings } from "./settings.ts";

export interface OpenStore {
  readonly store: EventStore;
  readonly durability: Durability;
  readonly warnings: readonly string[];
}

export async function openStore(settings: Settings, clock: Clock): Promise<OpenStore> {
  const { redis, network, partitions, log, lookbackMs, startTimeoutMs: timeoutMs } = settings;
  if (redis === undefined)
    return { store: new MemoryEventStore(clock), durability: new MemoryDurability(), warnings: [] };
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
