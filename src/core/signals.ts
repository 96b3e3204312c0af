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
  /** The claim on a partition ended without this node's doing: it was frozen, or cut off from Redis. Harmless. */
  "lease-lost": { readonly partition: number };
  /** A send asked for more safety than was reached in time. It is committed. */
  "durability-missed": {
    readonly reference: Reference;
    readonly version: number;
    readonly local: number;
    readonly replicas: number;
  };
  /**
   * The message of a timer could not be handled: `handle` threw, say. It is tried again after a pause; `parked`: not any
   * more, until it is scheduled again.
   */
  "timer-failed": {
    readonly reference: Reference;
    readonly name: string;
    readonly dueAt: number;
    /** From 1. */
    readonly attempt: number;
    readonly parked: boolean;
    readonly error: unknown;
  };
  /** Another node of the network is there. */
  "node-joined": { readonly id: string; readonly address: string };
  /** Another node has left, or was not heard of for the time of a lease. */
  "node-left": { readonly id: string; readonly address: string };
}

/** What `Pachyderm.on` can listen to. */
export type SignalName = keyof SignalPayloads;

/** All names, for checking what `on` is given. */
export const signalNames = [
  "effect-failed",
  "log-diverged",
  "conflict",
  "lease-lost",
  "durability-missed",
  "timer-failed",
  "node-joined",
  "node-left",
] as const satisfies readonly SignalName[];
