// How long a worker pauses that keeps losing.

const FIRST_MS = 2;
const LONGEST_MS = 50;
/** Commits lost in a row until the next pause. */
const TRIES = 4;

/**
 * Milliseconds to pause after `lost` commits lost in a row, with full jitter; 0: none.
 *
 * A pause after every fourth loss: two workers in lock-step would otherwise take turns in losing. After a pause the
 * memory is old, so beside a busy worker the next try is lost for certain; it brings what was missed, and the tries
 * after it go at once, on the newest state. With a pause before each of them it would never win.
 * Source: M. Brooker, Exponential Backoff and Jitter (AWS Architecture Blog, 2015).
 */
export function pauseAfter(lost: number): number {
  if (lost === 0 || lost % TRIES !== 0) return 0;
  return Math.random() * Math.min(FIRST_MS * 2 ** (lost / TRIES - 1), LONGEST_MS);
}
