// What `handle` may return, and what is made of it before anything is written.

import type { DurablePolicy } from "./durable.ts";
import type { Effect } from "./effect.ts";
import type { Json } from "./json.ts";

/** What happened; stored; plain JSON. A type that begins with `$` is the system's own. */
export interface Event {
  readonly type: string;
}

/** What a sender sends; plain JSON. */
export interface Message {
  readonly type: string;
}

const rejection: unique symbol = Symbol.for("pachyderm.rejection");

/** The entity says no: nothing is stored, and the sender gets REJECTED with `{ code, detail }`. */
export interface Rejection {
  readonly [rejection]: true;
  readonly code: string;
  readonly detail: unknown;
}

/**
 * Rejects the message.
 * @param code for programs, such as `"overdrawn"`
 * @param detail plain JSON for whoever reads the error; null unless given
 */
export function reject(code: string, detail: unknown = null): Rejection {
  return { [rejection]: true, code, detail };
}

export function isRejection(value: object): value is Rejection {
  return rejection in value;
}

/** Events, effects and a reply in one; each may be left out. */
export interface Yield<E> {
  readonly events?: readonly E[];
  readonly effects?: readonly Effect[];
  /** Plain JSON for the sender, stored with the records; null unless given. */
  readonly reply?: unknown;
}

/** What `handle` returns: events alone, events with effects and a reply, or a rejection. */
export type Decision<E> = readonly E[] | Yield<E> | Rejection;

/** A decision that was found to be sound: copies, as plain JSON. */
export type SoundDecision =
  | {
      readonly kind: "yields";
      /** What `update` gets. */
      readonly events: readonly Json[];
      /** The events' JSON texts, in the same order: what is stored. */
      readonly texts: readonly string[];
      readonly effects: readonly SoundEffect[];
      readonly reply: Json;
    }
  | { readonly kind: "rejects"; readonly code: string; readonly detail: Json };

export interface SoundEffect {
  readonly effect: string;
  readonly payload: Json;
  /** With it, the commit puts it on a queue; without, it is dispatched after the commit, at most once. */
  readonly durable?: DurablePolicy | undefined;
}
