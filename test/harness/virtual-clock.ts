// A clock that only a test moves.

import type { Clock } from "../../src/ports/clock.ts";

export class VirtualClock implements Clock {
  #ms = 1_000;

  monotonicMs(): number {
    return this.#ms;
  }

  epochMs(): number {
    return 1_700_000_000_000 + this.#ms;
  }

  /** Whoever sweeps by this clock finds it at the next real tick. */
  pass(ms: number): void {
    this.#ms += ms;
  }
}
