// What an entity type keeps of its history: records behind the newest snapshot are taken away when nobody needs them any
// more. Nobody waits for it, and what is forgotten when this node ends is taken up by the next snapshot.

import type { Clock } from "../ports/clock.ts";
import type { EntityKey, EventStore } from "../ports/event-store.ts";
import { MARGIN_MS } from "./batch.ts";

export interface RetentionParts {
  readonly store: EventStore;
  readonly clock: Clock;
  /** Milliseconds for which attempts at messages look back. */
  readonly lookbackMs: number;
  /**
   * Epoch ms: all subscriptions of a partition are past what was committed before; infinite where there are none. Null:
   * that cannot be told now, so nothing is taken away.
   */
  readonly subscribed: (partition: number, deadline: number) => Promise<number | null>;
}

interface Due {
  readonly key: EntityKey;
  /** The first version to keep. */
  readonly below: number;
  /** Monotonic ms: not before. */
  readonly from: number;
}

const EVERY_MS = 500;
const CALL_MS = 2_000;
/** Entities that are remembered; one more pushes the oldest out. */
const REMEMBERED = 100_000;

export class Retention {
  readonly #parts: RetentionParts;
  readonly #due = new Map<string, Due>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #stopped = false;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** A snapshot of `version` was written, and so many events are to be kept. */
  snapshotted(key: EntityKey, version: number, keepEvents: number): void {
    const below = version - keepEvents + 1;
    if (below <= 1 || this.#stopped) return;
    this.#remember({ key, below, from: this.#due.get(key.id)?.from ?? 0 });
    this.#timer ??= setInterval(() => this.#tick(), EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  #remember(due: Due): void {
    this.#due.set(due.key.id, due);
    if (this.#due.size <= REMEMBERED) return;
    const [oldest] = this.#due.keys();
    if (oldest !== undefined) this.#due.delete(oldest);
  }

  #tick(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** One entity after the other: it must not hold up commits. */
  async #run(): Promise<void> {
    const now = this.#parts.clock.monotonicMs();
    const floors = new Map<number, number | null>();
    for (const due of [...this.#due.values()]) {
      if (this.#stopped) return;
      if (due.from > now) continue;
      const { partition } = due.key;
      const deadline = this.#parts.clock.monotonicMs() + CALL_MS;
      const known = floors.get(partition);
      const floor = known === undefined ? await this.#floor(partition, deadline) : known;
      floors.set(partition, floor);
      if (floor !== null) await this.#trim(due, floor);
    }
  }

  /**
   * Records that are older are needed by nobody: neither by an attempt at a message, which looks for the others in the
   * records since it was sent, nor by a subscription.
   */
  async #floor(partition: number, deadline: number): Promise<number | null> {
    const { store, lookbackMs, subscribed } = this.#parts;
    const behind = await subscribed(partition, deadline);
    return behind === null ? null : Math.min(store.now() - lookbackMs - 2 * MARGIN_MS, behind - MARGIN_MS);
  }

  async #trim(due: Due, before: number): Promise<void> {
    const { store, clock, lookbackMs } = this.#parts;
    for (;;) {
      const { key, below } = due;
      const answer = await store.trim({ key, below, before }, clock.monotonicMs() + CALL_MS);
      if (answer.kind === "unavailable") return; // again with the next tick
      if (answer.kind === "trimmed" && answer.left === "more" && !this.#stopped) continue;
      // Another snapshot may have been written meanwhile.
      if (this.#due.get(key.id) !== due) return;
      this.#due.delete(key.id);
      const young = answer.kind === "trimmed" && answer.left === "young";
      if (young) this.#remember({ ...due, from: clock.monotonicMs() + Math.min(lookbackMs, 10_000) });
      return;
    }
  }
}
