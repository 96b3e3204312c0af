// Waits for what a server does in its own time.

const LONGEST_MS = 15_000;

/** Asks again and again. @throws Error that says what it waited for */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(LONGEST_MS);
  while (!(await holds())) {
    if (signal.aborted) throw new Error(`waited ${LONGEST_MS} ms until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
