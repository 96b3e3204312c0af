// Tells the program what happened: listeners by name.

import { reasonOf } from "../core/errors.ts";
import type { SignalName, SignalPayloads } from "../core/signals.ts";

type Listener<N extends SignalName> = (payload: SignalPayloads[N]) => void;

export class Signals {
  readonly #listeners: { readonly [N in SignalName]: Set<Listener<N>> } = {
    "effect-failed": new Set(),
    "log-diverged": new Set(),
    conflict: new Set(),
    "lease-lost": new Set(),
    "subscription-parked": new Set(),
    "subscription-truncated": new Set(),
    "durability-missed": new Set(),
    "timer-failed": new Set(),
    "node-joined": new Set(),
    "node-left": new Set(),
  };

  /** Returns the function that takes the listener away. */
  on<N extends SignalName>(name: N, listener: Listener<N>): () => void {
    const listeners = this.#listeners[name];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  emit<N extends SignalName>(name: N, payload: SignalPayloads[N]): void {
    const listeners = this.#listeners[name];
    if (listeners.size === 0 && WARNS.has(name)) {
      process.emitWarning(`pachyderm: ${name}: ${describe(payload)}`, { code: "PACHYDERM_UNHEARD_SIGNAL" });
    }
    for (const listener of listeners) {
      try {
        listener(payload);
      } catch (thrown) {
        // It is the program's fault and must be seen, and must not undo a commit or stop the other listeners.
        process.emitWarning(thrown instanceof Error ? thrown : reasonOf(thrown));
      }
    }
  }
}

/** What nobody listens for and somebody should know. The others are the daily life of a cluster. */
const WARNS: ReadonlySet<SignalName> = new Set([
  "effect-failed",
  "log-diverged",
  "timer-failed",
  "subscription-parked",
  "subscription-truncated",
]);

function describe(payload: SignalPayloads[SignalName]): string {
  const error = "error" in payload ? `: ${reasonOf(payload.error)}` : "";
  if (!("reference" in payload) || payload.reference === undefined || payload.reference === null)
    return `${JSON.stringify({ ...payload, error: undefined })}${error}`;
  const { reference } = payload;
  const where = "name" in payload ? `timer ${payload.name}` : `at version ${payload.version}`;
  return `${reference.type} ${reference.id} ${where}${error}`;
}
