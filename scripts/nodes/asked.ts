// When somebody wants this program to end.

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const; // SIGHUP: the terminal was closed

/**
 * Resolves with the first signal to end. A second one is meant: it ends this program at once, and what it has started
 * ends with it.
 */
export function whenAsked(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let already = false;
  for (const signal of signals) {
    process.on(signal, () => {
      if (already) process.exit(1);
      already = true;
      resolve(signal);
    });
  }
  return promise;
}
