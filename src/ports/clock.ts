// Time, as the engine may know it. One file of node/ reads the real clock.

export interface Clock {
  /** Milliseconds, with fractions, that never go back and are not moved by the wall clock. */
  monotonicMs(): number;
}
