// Entities: a unit of state and computation. Not a process: it can be stopped, started elsewhere, run twice.

import type { Decision, Event, Message } from "./decision.ts";
import { PachydermError } from "./errors.ts";
import { strayKey } from "./known-keys.ts";
import { isTypeName, makeReference, type Reference } from "./reference.ts";
import { type RetentionPolicy, retentionProblem } from "./retention-policy.ts";
import { isSchema, type Schema } from "./schema.ts";
import {
  defaultSnapshotPolicy,
  noSnapshots,
  type SnapshotPolicy,
  snapshotProblem,
} from "./snapshot-policy.ts";
import type { TimerContext } from "./timer.ts";
import { type Views, type ViewTable, viewsProblem, viewTables } from "./view.ts";

/** What `handle` may look at besides the message and the state. */
export interface HandleContext {
  readonly reference: Reference;
  /** The version that the message is handled at: the number of the entity's last record. */
  readonly version: number;
  /** Epoch milliseconds by Redis's clock. */
  readonly now: number;
  /** The same for every attempt at this message; stored with its records. */
  readonly messageId: string;
  /** The timer that sent the message; undefined: none did. */
  readonly timer?: TimerContext;
}

/** Named pure functions of the state; `args` is whatever the caller of `get` gives. */
export type Queries<S> = { readonly [name: string]: (state: S, args: never) => unknown };

/**
 * What `defineEntity` takes: `S` is the state, `M` the messages, `E` the events, `Q` the queries, `V` the views. All
 * functions are pure: each may run again, for a conflict or a replay. What `upcast` throws is UNREADABLE_EVENT, what the others throw
 * is HANDLER_FAILED.
 */
export interface EntitySpec<S, M, E, Q, V> {
  /** Letters, digits and `_.-`, at most 64, a letter first. Stored with every record. */
  readonly type: string;
  /** The state of an entity that has no records. Plain JSON. */
  init(): S;
  /** Decides, and does nothing else: no I/O, no promise. It may run more than once for one message. */
  handle(message: M, state: S, context: HandleContext): Decision<NoInfer<E>>;
  /** The state after an event. Must not change the state that it is given (it is frozen). */
  update(event: E, state: S): NoInfer<S>;
  /** Pure functions of the state, run where the entity lives. */
  readonly queries?: Q & Queries<S>;
  /** Rows that are made of the state, and commit with the events: see {@link ViewSpec}. */
  readonly views?: V & Views<S>;
  /** `false`: none. Default `{ every: 100, version: 1 }`. */
  readonly snapshot?: Partial<SnapshotPolicy<NoInfer<S>>> | false;
  /** How much of its history is kept. Default: all of it. Needs snapshots. */
  readonly retention?: RetentionPolicy;
  /** From an event as it was stored, perhaps years ago, to today's form. */
  upcast?(event: Event): unknown;
  /** Older names of this type: what they stored, this type takes over. */
  readonly formerly?: readonly string[];
  /** A Standard Schema for messages; checked before the mailbox, its output is what `handle` gets. */
  readonly message?: Schema<M>;
  /** A Standard Schema for events; checked before they are stored, and after `upcast` when they are read. */
  readonly event?: Schema<E>;
  /** Milliseconds without a message until the worker leaves memory. Default: the node's `idleMs`. */
  readonly idleMs?: number;
}

/** An entity's definition. */
export interface Entity<S = unknown, M = unknown, E = unknown, Q = object, V = object> {
  readonly type: string;
  readonly formerly: readonly string[];
  readonly queries: Q;
  readonly views: V;
  /** The same, as the engine needs them. */
  readonly viewTables: readonly ViewTable[];
  readonly snapshot: SnapshotPolicy;
  readonly retention: RetentionPolicy | undefined;
  readonly message: Schema<M> | undefined;
  readonly event: Schema<E> | undefined;
  readonly idleMs: number | undefined;
  init(): S;
  handle(message: M, state: S, context: HandleContext): Decision<E>;
  update(event: E, state: S): S;
  upcast(event: Event): unknown;
  /** @throws PachydermError INVALID_REFERENCE if the id is not a UUID */
  ref(id: string): Reference<{ state: S; message: M; event: E; queries: Q & object }>;
}

/** What the engine needs of a definition, whatever its state. */
export type AnyEntity = Entity<unknown, unknown, unknown, object, object>;

/**
 * Defines an entity. The state's type comes from `init`, the message's from `handle`, the events' from `update`:
 * an event that `handle` yields and `update` does not take is a compile error.
 * @throws PachydermError INVALID_OPTIONS
 */
export function defineEntity<
  S,
  M extends Message,
  E extends Event,
  const Q extends Queries<S> = Record<never, never>,
  const V extends Views<S> = Record<never, never>,
>(spec: EntitySpec<S, M, E, Q, V>): Entity<S, M, E, Q, V> {
  const problem = problemOf(spec);
  if (problem !== undefined) throw new PachydermError("INVALID_OPTIONS", problem);
  const { type } = spec;
  return {
    type,
    formerly: [...(spec.formerly ?? [])],
    queries: spec.queries ?? ({} as Q),
    views: spec.views ?? ({} as V),
    viewTables: viewTables(type, spec.views),
    snapshot: spec.snapshot === false ? noSnapshots : { ...defaultSnapshotPolicy, ...spec.snapshot },
    retention: spec.retention,
    message: spec.message,
    event: spec.event,
    idleMs: spec.idleMs,
    init: () => spec.init(),
    handle: (message, state, context) => spec.handle(message, state, context),
    update: (event, state) => spec.update(event, state),
    upcast: (event) => (spec.upcast === undefined ? event : spec.upcast(event)),
    ref: (id) =>
      makeReference(type, id) as Reference<{ state: S; message: M; event: E; queries: Q & object }>,
  };
}

/** Held to {@link EntitySpec} by the compiler. */
const PARTS = Object.keys({
  type: 1,
  init: 1,
  handle: 1,
  update: 1,
  queries: 1,
  views: 1,
  snapshot: 1,
  retention: 1,
  upcast: 1,
  formerly: 1,
  message: 1,
  event: 1,
  idleMs: 1,
} satisfies Record<keyof EntitySpec<unknown, unknown, unknown, unknown, unknown>, 1>);

/** What is wrong with a definition: it may come from untyped code, or from a module named in the environment. */
function problemOf(spec: {
  readonly type: unknown;
  readonly init: unknown;
  readonly handle: unknown;
  readonly update: unknown;
  readonly formerly?: unknown;
  readonly queries?: unknown;
  readonly views?: unknown;
  readonly snapshot?: unknown;
  readonly retention?: unknown;
  readonly idleMs?: unknown;
  readonly upcast?: unknown;
  readonly message?: unknown;
  readonly event?: unknown;
}): string | undefined {
  if (typeof spec !== "object" || spec === null) return "defineEntity takes an object";
  if (!isTypeName(spec.type))
    return "an entity's type is text of letters, digits and _.-, a letter first, at most 64";
  const name = `the entity ${spec.type}`;
  const stray = strayKey(spec, PARTS);
  if (stray !== undefined) return `${name}: ${stray}`;
  for (const part of ["init", "handle", "update"] as const) {
    if (typeof spec[part] !== "function") return `${name} needs a function ${part}`;
  }
  if (spec.formerly !== undefined && !(Array.isArray(spec.formerly) && spec.formerly.every(isTypeName)))
    return `${name}: formerly is an array of type names`;
  if (spec.queries !== undefined) {
    if (typeof spec.queries !== "object" || spec.queries === null)
      return `${name}: queries is an object of functions`;
    for (const [query, run] of Object.entries(spec.queries)) {
      if (typeof run !== "function") return `${name}: the query ${query} is not a function`;
      if (query === "state" || query === "none") return `${name}: a query cannot be called ${query}`;
    }
  }
  if (spec.upcast !== undefined && typeof spec.upcast !== "function") return `${name}: upcast is a function`;
  for (const part of ["message", "event"] as const) {
    if (spec[part] !== undefined && !isSchema(spec[part])) return `${name}: ${part} is a Standard Schema`;
  }
  if (spec.idleMs !== undefined && !(typeof spec.idleMs === "number" && spec.idleMs > 0))
    return `${name}: idleMs is a number of milliseconds above 0`;
  const problem =
    snapshotProblem(spec.snapshot) ??
    viewsProblem(spec.views) ??
    retentionProblem(spec.retention, spec.snapshot);
  return problem === undefined ? undefined : `${name}: ${problem}`;
}
