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
  /** Redis lost acknowledged commits: what this node remembered is not the log. */
  "log-diverged": MemoryLoss | LogLoss;
  /** Another worker's commit came first. Normal, and a cost: often, two unclustered programs share an entity. */
  conflict: { readonly reference: Reference; readonly version: number };
  /** The claim on a partition ended without this node's doing: it was frozen, or cut off from Redis. Harmless. */
  "lease-lost": { readonly partition: number };
  /** A subscription has stopped in a partition, for its handler failed too often or the log was rolled back under it. */
  "subscription-parked": {
    readonly subscription: string;
    readonly partition: number;
    readonly error: unknown;
    /** The event that could not be handled; null: it was none. */
    readonly reference: Reference | null;
    readonly version: number | null;
  };
  /** Something was gone before a subscription saw it: it went on behind that. */
  "subscription-truncated": {
    readonly subscription: string;
    readonly partition: number;
    /** Entries of the log (a call's commits each) that were trimmed, at least. */
    readonly entries: number;
    /** Events whose records were removed, by retention or `destroy`. */
    readonly events: number;
  };
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

/** An entity's state in this node's memory was of commits that are lost. It was discarded. */
export interface MemoryLoss {
  readonly reference: Reference;
  readonly version: number;
  readonly partition?: undefined;
}

/** Entries of the network's log are lost that this node, or a subscription, had seen. */
export interface LogLoss {
  readonly partition: number;
  /** One that is not there any more. */
  readonly entry: string;
  /** That had handled it, and is parked; null: the node had seen it. */
  readonly subscription: string | null;
  readonly reference?: undefined;
  readonly version?: undefined;
}

/** What `Pachyderm.on` can listen to. */
export type SignalName = keyof SignalPayloads;

/** All names, for checking what `on` is given. */
export const signalNames = [
  "effect-failed",
  "log-diverged",
  "conflict",
  "lease-lost",
  "subscription-parked",
  "subscription-truncated",
  "durability-missed",
  "timer-failed",
  "node-joined",
  "node-left",
] as const satisfies readonly SignalName[];
