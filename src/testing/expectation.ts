// What a test may say of one decision.

import type { Effect } from "../core/effect.ts";

/** What a message should come to. Only the parts that are named are compared. */
export interface Expectation<S, E> {
  /** All events of this message, in order. `[]`: none. */
  readonly events?: readonly E[];
  /** All effects of this message, in order, made as `handle` makes them: `adminMailer({ threshold: 10 })`. */
  readonly effects?: readonly Effect[];
  /** The state after this message. */
  readonly state?: S;
  /** What the sender is given; null if `handle` gave none. */
  readonly reply?: unknown;
  /** The rejection's code, or code and detail. Left out: a rejection fails the test. */
  readonly rejected?: string | { readonly code: string; readonly detail?: unknown };
}
