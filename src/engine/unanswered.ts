// A read that the store did not answer.

import { PachydermError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";

/** Its time was up, or the store is not there. @param deadline monotonic ms */
export function unanswered(reason: string, deadline: number, clock: Clock): PachydermError {
  return clock.monotonicMs() >= deadline
    ? new PachydermError("DEADLINE_EXCEEDED", `the deadline passed: ${reason}`)
    : new PachydermError("STORE_UNAVAILABLE", reason);
}
