// What an embedded log holds: the data that several stores of one process share. Gone with the process.

import type { Clock } from "../ports/clock.ts";
import type { EntityKey } from "../ports/event-store.ts";
import { EntityLog } from "./entity-log.ts";
import { Receipts } from "./receipts.ts";
import { TimerTable } from "./timer-table.ts";

/** What one commit brought: the records are fetched by these. */
export interface LogItem {
  readonly id: string;
  readonly type: string;
  readonly first: number;
  readonly count: number;
}

export interface MemoryLogOptions {
  /** Whether to keep the network's log, which subscriptions follow. Default false. */
  readonly log?: boolean;
}

export class MemoryLog {
  readonly receipts = new Receipts();
  readonly timers = new TimerTable();
  readonly #clock: Clock;
  /** What the monotonic clock must be given to make it epoch time: read once, for the wall clock can go back. */
  readonly #epoch: number;
  readonly #entities = new Map<string, EntityLog>();
  readonly #network: Map<number, (readonly LogItem[])[]> | null;

  constructor(clock: Clock, { log = false }: MemoryLogOptions = {}) {
    this.#clock = clock;
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

  /**
   * Puts what one call wrote in a partition on the network's log, if it has one. It grows for as long as the process
   * lives, as the records do: an embedded log has nowhere else to keep its past.
   */
  publish(partition: number, items: readonly LogItem[]): void {
    if (this.#network === null || items.length === 0) return;
    const entries = this.#network.get(partition);
    if (entries === undefined) this.#network.set(partition, [items]);
    else entries.push(items);
  }

  /** The network's log of a partition: an entry for each call that wrote there, in order. */
  published(partition: number): readonly (readonly LogItem[])[] {
    return this.#network?.get(partition) ?? [];
  }
}
