// Which store a node uses: Redis, or this process's memory.

import { IdSequence } from "../engine/ids.ts";
import { MemoryCursors } from "../memory/cursors.ts";
import { MemoryDurability } from "../memory/durability.ts";
import { MemoryEventStore } from "../memory/event-store.ts";
import { MemoryJobs } from "../memory/jobs.ts";
import { MemoryLogReader } from "../memory/log-reader.ts";
import { MemoryLog } from "../memory/memory-log.ts";
import { MemoryTimers } from "../memory/timers.ts";
import { MemoryViews } from "../memory/views.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cursors } from "../ports/cursors.ts";
import type { Durability } from "../ports/durability.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Jobs } from "../ports/jobs.ts";
import type { LogReader } from "../ports/log-reader.ts";
import type { Timers } from "../ports/timers.ts";
import type { Views } from "../ports/views.ts";
import { openRedis } from "../redis/open.ts";
import type { BoardQueue } from "./effect-jobs.ts";
import type { Settings } from "./settings.ts";

export interface OpenStore {
  readonly store: EventStore;
  readonly jobs: Jobs;
  /** The queues as BullMQ has them; none in memory. */
  readonly queues: () => Promise<readonly BoardQueue[]>;
  readonly durability: Durability;
  readonly timers: Timers;
  readonly views: Views;
  /** Null: the network keeps no log. */
  readonly log: { readonly reader: LogReader; readonly cursors: Cursors } | null;
  readonly warnings: readonly string[];
}

/** A run of a job is its node's for so many leases: a node that lives extends it all the time. */
const LEASES = 2;

export async function openStore(settings: Settings, clock: Clock): Promise<OpenStore> {
  const { redis, network, partitions, log, lookbackMs, startTimeoutMs: timeoutMs } = settings;
  if (redis === undefined) return openMemory(log, clock);
  const ids = new IdSequence();
  const nextId = () => ids.next();
  const opened = await openRedis({
    redis,
    network,
    settings: { partitions, log, lookbackMs },
    clock,
    nextId,
    timeoutMs,
    durable:
      settings.durableEffects === "all" || settings.effects.some((effect) => effect.durable !== undefined),
    ...(settings.cluster === undefined ? {} : { lockMs: settings.cluster.leaseMs * LEASES }),
  });
  return { ...opened, queues: () => opened.jobs.queues() };
}

function openMemory(log: boolean, clock: Clock): OpenStore {
  const memory = new MemoryLog(clock, { log });
  const readers = { reader: new MemoryLogReader(clock, memory), cursors: new MemoryCursors(clock, memory) };
  return {
    store: new MemoryEventStore(clock, memory),
    jobs: new MemoryJobs(clock, memory.queues),
    queues: async () => [],
    timers: new MemoryTimers(clock, memory),
    views: new MemoryViews(clock, memory),
    durability: new MemoryDurability(),
    log: log ? readers : null,
    warnings: [],
  };
}

/** What still asks for something first, then what it asks. Never fails. */
export async function closeStores({ store, jobs, timers, views, log, durability }: OpenStore): Promise<void> {
  await Promise.all([jobs.close(), timers.close(), views.close(), log?.reader.close(), log?.cursors.close()]);
  await Promise.all([store.close(), durability.close()]);
}
