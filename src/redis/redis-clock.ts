// Redis's time, without asking for it: the last time seen, plus monotonic time since.

import type { Clock } from "../ports/clock.ts";

export class RedisClock {
  readonly #clock: Clock;
  #seen = 0;
  #seenAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a time that a reply brought. It is late by the reply's way here, so `now` is never ahead of Redis. */
  saw(epochMs: number): void {
    this.#seen = epochMs;
    this.#seenAt = this.#clock.monotonicMs();
  }

  now(): number {
    return Math.floor(this.#seen + this.#clock.monotonicMs() - this.#seenAt);
  }
}
