// What an embedded log holds: the data that several stores of one process share. Gone with the process.

import type { LogLine } from "../core/log-entry.ts";
import type { Clock } from "../ports/clock.ts";
import type { EntityKey } from "../ports/event-store.ts";
import type { AppendListener } from "../ports/log-reader.ts";
import { EntityIds } from "./entity-ids.ts";
import { EntityLog } from "./entity-log.ts";
import { MemoryQueues } from "./jobs.ts";
import { PartitionLog } from "./partition-log.ts";
import { Receipts } from "./receipts.ts";
import { TimerTable } from "./timer-table.ts";
import { ViewTables } from "./view-tables.ts";

export interface MemoryLogOptions {
  /** Whether to keep the network's log, which subscriptions follow. Default false. */
  readonly log?: boolean;
}

export class MemoryLog {
  readonly receipts = new Receipts();
  readonly queues: MemoryQueues;
  readonly timers = new TimerTable();
  readonly ids = new EntityIds();
  readonly views = new ViewTables();
  readonly #clock: Clock;
  /** What the monotonic clock must be given to make it epoch time: read once, for the wall clock can go back. */
  readonly #epoch: number;
  readonly #entities = new Map<string, EntityLog>();
  readonly #network: Map<number, PartitionLog> | null;
  readonly #listeners = new Set<AppendListener>();
  #calls = 0;

  constructor(clock: Clock, { log = false }: MemoryLogOptions = {}) {
    this.#clock = clock;
    this.queues = new MemoryQueues(clock);
    this.#epoch = clock.epochMs() - clock.monotonicMs();
    this.#network = log ? new Map() : null;
  }

  /** Epoch ms, never going back. */
  now(): number {
    return Math.floor(this.#epoch + this.#clock.monotonicMs());
  }

  /** Undefined for an entity that has no records: looking for one must not cost memory. */
  find({ id }: EntityKey): EntityLog | undefined {
    return this.#entities.get(id);
  }

  findOrMake({ id }: EntityKey): EntityLog {
    const found = this.#entities.get(id);
    if (found !== undefined) return found;
    const made = new EntityLog();
    this.#entities.set(id, made);
    return made;
  }

  /** Puts what one call wrote in a partition on the network's log, if it has one. */
  publish(partition: number, lines: readonly LogLine[]): void {
    if (this.#network === null || lines.length === 0) return;
    this.#calls += 1;
    const callId = `call-${this.#calls}`;
    const now = this.now();
    this.partition(partition).append(now, callId, lines);
    for (const listener of this.#listeners) setImmediate(listener, partition, callId, now);
  }

  /** The network's log of a partition; of a network without one, an empty one. */
  partition(partition: number): PartitionLog {
    const found = this.#network?.get(partition);
    if (found !== undefined) return found;
    const made = new PartitionLog();
    this.#network?.set(partition, made);
    return made;
  }

  /** Calls for each partition that is written to. Returns the function that takes the listener away. */
  onAppend(listener: AppendListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
