// The one file that reads a clock.

import type { Clock } from "../ports/clock.ts";

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  epochMs: () => Date.now(),
};
