// What a node tells its own program, besides answers: a closed list.

import type { Reference } from "./reference.ts";

/** What a listener of each signal is given. */
export interface SignalPayloads {
  /** An effect's dispatch threw, or the effect was given up: it will not be dispatched again. */
  "effect-failed": {
    readonly effect: string;
    readonly effectId: string;
    readonly reference: Reference;
    readonly version: number;
    readonly error: unknown;
  };
  /** Redis lost acknowledged commits: what this node remembered of the entity is not the log. It was discarded. */
  "log-diverged": { readonly reference: Reference; readonly version: number };
  /** Another worker's commit came first. Normal, and a cost: often, two unclustered programs share an entity. */
  conflict: { readonly reference: Reference; readonly version: number };
}

/** What `Pachyderm.on` can listen to. */
export type SignalName = keyof SignalPayloads;

/** All names, for checking what `on` is given. */
export const signalNames = [
  "effect-failed",
  "log-diverged",
  "conflict",
] as const satisfies readonly SignalName[];
