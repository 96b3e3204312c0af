// Takes old entries of the log away in the partitions that are this node's, behind every subscription.

import type { Clock } from "../../ports/clock.ts";
import type { Cursors } from "../../ports/cursors.ts";
import type { Duty } from "../duties.ts";

export interface TrimmerParts {
  readonly cursors: Cursors;
  readonly clock: Clock;
  /** The store's time, epoch ms. */
  readonly now: () => number;
  /** Milliseconds that an entry is kept at least. */
  readonly keepMs: number;
}

/** Milliseconds between two rounds, at most; more often where less is kept. */
const ROUND_MS = 10_000;
const CALL_MS = 2_000;

export class Trimmer implements Duty {
  readonly #parts: TrimmerParts;
  readonly #partitions = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #round: Promise<void> | null = null;
  #closed = false;

  constructor(parts: TrimmerParts) {
    this.#parts = parts;
    const ms = Math.min(ROUND_MS, Math.max(100, parts.keepMs / 4));
    this.#timer = setInterval(() => {
      this.#round ??= this.#trim().finally(() => {
        this.#round = null;
      });
    }, ms);
    this.#timer.unref();
  }

  begin(partition: number): void {
    this.#partitions.add(partition);
  }

  /** One that is trimmed once more, by two nodes at once, is none the worse for it. */
  async end(partition: number): Promise<void> {
    this.#partitions.delete(partition);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  async #trim(): Promise<void> {
    const { cursors, clock, now, keepMs } = this.#parts;
    for (const partition of [...this.#partitions]) {
      for (let more = true; more && !this.#closed; ) {
        const answer = await cursors.trim(
          partition,
          Math.max(0, now() - keepMs),
          clock.monotonicMs() + CALL_MS,
        );
        // What could not be done now is done in the next round; a call takes a bounded number, so there may be more.
        more = answer.kind === "trimmed" && answer.entries > 0;
      }
    }
  }
}
