// Waiting in tests: for a condition, never for a time.

const LONGEST_MS = 20_000;

/**
 * Asks every few milliseconds until the condition holds. A condition that throws does not hold yet.
 * @param what the condition in words, for the error
 * @throws Error that says what it waited for, and why the last try failed
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  longestMs: number = LONGEST_MS,
): Promise<void> {
  const end = performance.now() + longestMs;
  let last: unknown;
  for (;;) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (thrown) {
      last = thrown;
    }
    if (performance.now() >= end) throw new Error(`waited ${longestMs} ms until ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
