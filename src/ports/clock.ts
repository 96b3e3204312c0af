// Time, as the house may know it. One file of node/ reads the real clock.

/** The two times there are, apart from the store's own. */
export interface Clock {
  /** Milliseconds, with fractions, that never go back and are not moved by the wall clock. */
  monotonicMs(): number;

  /** The wall clock, epoch ms. Only for the embedded log: wherever there is a Redis, time is Redis's. */
  epochMs(): number;
}
