// What may be said with a send or a get, and what comes back.

import type { Cursor } from "./cursor.ts";
import type { Json } from "./json.ts";

/** What may be said with a `send`. `A`: what the answer holds. */
export interface SendOptions<A extends string = string> {
  /** Handed to the effects' `dispatch(payload, config, context)`; else the node's own `config`. */
  readonly config?: unknown;
  /**
   * 1 to 200 characters, remembered for the node's `keyTtlMs`. A second message with this key, to this entity, is not
   * handled: it gets the first one's reply or rejection (`duplicate`), or KEY_REUSED if it says something else.
   */
  readonly idempotencyKey?: string;
  /** Milliseconds until the answer, whatever it is. Default: the node's `timeoutMs`, 5,000; at most the network's `lookbackMs`. */
  readonly timeoutMs?: number;
  /** `false`: a commit that comes second is CONFLICT, and not tried again. Default true. */
  readonly retry?: boolean;
  /**
   * Handle it only at this version, or at the place of this cursor; else EXPECTED_MISMATCH, or LOG_DIVERGED where the log
   * does not hold that place (any more).
   */
  readonly expected?: number | Cursor;
  /** `"none"` leaves the state out of the answer; the name of a query puts its result there. Default `"state"`. */
  readonly answer?: A;
  /** For the query named by `answer`. */
  readonly args?: unknown;
  /**
   * How safely it is to be kept before this is answered. Default `"memory"`: Redis has it. `"fsync"`: it is on Redis's disk
   * (WAITAOF; Redis 7.2, Valkey 7.2 or later). `{ replicas }`: so many replicas have it in memory (WAIT), within `timeoutMs`
   * of the send, which is at most the send's own. What is not reached in time resolves all the same: see `durable`.
   */
  readonly durability?: DurabilityOption;
}

/** See {@link SendOptions.durability}. */
export type DurabilityOption =
  | "memory"
  | "fsync"
  | { /** 1 to 1,000. */ readonly replicas: number; readonly timeoutMs?: number };

/** How safely a commit is kept, as far as was known in time. */
export interface Durable {
  /** 1: it is on the disk of the Redis that committed it. 0: that was not asked for, or not known in time. */
  readonly local: number;
  /** Replicas that are known to have it. */
  readonly replicas: number;
  /** Whether it is as safe as was asked for. */
  readonly reached: boolean;
}

/** What may be said with a `get`. */
export interface GetOptions {
  /** From this node's memory where it has the entity: no call to Redis, and perhaps not the newest. Default false. */
  readonly stale?: boolean;
  /** Not before the place of this cursor, which one of this entity's answers brought; LOG_DIVERGED if it is lost. */
  readonly atLeast?: Cursor;
  /** Milliseconds until the answer, whatever it is. Default: the node's `timeoutMs`, 5,000; at most the network's `lookbackMs`. */
  readonly timeoutMs?: number;
}

/** What may be said with a `destroy`. */
export interface DestroyOptions {
  /** Milliseconds until the answer, whatever it is. Default: the node's `timeoutMs`, 5,000; at most the network's `lookbackMs`. */
  readonly timeoutMs?: number;
}

/** Where the entity stands with the answer. */
export interface Standing {
  /** Number of the entity's last record. */
  readonly version: number;
  readonly cursor: Cursor;
}

/** What became of a message; the state or a query's result comes with it, see {@link Sent}. */
export interface Handled extends Standing {
  /** The version that the message brought or, without records, was compared at. */
  readonly handledVersion: number;
  /** What `handle` replied; null if nothing. */
  readonly reply: Json;
  /** Whether the message had been handled before: then `state` and `version` are today's, the rest is the first answer's. */
  readonly duplicate: boolean;
  /** Where `durability` was asked for. */
  readonly durable?: Durable;
}

/** What the answer holds besides its standing: the state, a query's result, or nothing. */
export type Sent<S, Q, A> = Handled &
  (A extends "none"
    ? unknown
    : A extends keyof Q
      ? { readonly result: ResultOf<Q[A]> }
      : { /** Frozen: plain JSON. */ readonly state: S });

export type ResultOf<F> = F extends (...args: never[]) => infer R ? R : unknown;

/** The second parameter of a query; `undefined` where it takes none. */
export type ArgsOf<F> = F extends (state: never, args: infer A) => unknown ? A : unknown;
