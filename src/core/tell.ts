// `tell`: a message from one entity to another, as data; a durable effect of the system's own.

import type { Message } from "./decision.ts";
import type { Effect } from "./effect.ts";
import { copyJson, type Json, JsonProblem, typeOf } from "./json.ts";
import { parseReference, type Reference, type TypesOf } from "./reference.ts";

/** The name that jobs of `tell` have; no effect of a user's can have it. */
export const TELL = "$tell";

/** What may be said with a `tell`. */
export interface TellOptions {
  /** Milliseconds to wait before it is sent, at most a year; by the clock of the node that sends it. Default 0. */
  readonly delayMs?: number;
  /**
   * A message to the entity that told, sent where the receiver rejects what it was told: handled exactly once too. Without
   * one, a `tell` that was rejected is listed as failed.
   */
  readonly onRejected?: Message & { readonly [key: string]: unknown };
}

/** A `tell` as it stands in a job. */
export type Tell = {
  readonly to: { readonly type: string; readonly id: string };
  readonly message: Json;
  readonly delayMs: number;
  readonly onRejected: Json | null;
};

/** The message that a reference's entity takes; of a plain `{ type, id }` nothing is known. */
type ToldMessage<R> = unknown extends TypesOf<R>["message"]
  ? Message & { readonly [key: string]: unknown }
  : TypesOf<R>["message"];

/**
 * Tells another entity something, once what `handle` decided is committed: the receiver handles it exactly once, a
 * rejection being one way of handling it. It may come later than what is sent after it, and it waits for nothing.
 *
 * @param reference `account.ref(id)`, or a plain `{ type, id }`
 */
export function tell<R extends Reference>(
  reference: R,
  message: ToldMessage<R>,
  options: TellOptions = {},
): Effect {
  const { delayMs = 0, onRejected = null } = options;
  return { effect: TELL, payload: { to: reference, message, delayMs, onRejected } };
}

const A_YEAR = 31_536_000_000;

/**
 * What `handle` returned for a `tell`, checked before it is committed.
 * @throws JsonProblem
 */
export function readTell(given: unknown, maxBytes: number): Tell {
  const payload = copyJson(given, maxBytes);
  if (typeof payload !== "object" || payload === null) throw new JsonProblem("it is made by calling tell()");
  const {
    to,
    message,
    delayMs = 0,
    onRejected = null,
    ...rest
  } = payload as { [key: string]: Json | undefined };
  const [stray] = Object.keys(rest);
  if (stray !== undefined) throw new JsonProblem(`tell takes delayMs and onRejected, and not ${stray}`);
  if (!(typeof delayMs === "number" && Number.isSafeInteger(delayMs) && delayMs >= 0 && delayMs <= A_YEAR))
    throw new JsonProblem("delayMs is a whole number of milliseconds, at most a year");
  if (message === undefined || typeOf(message) === undefined)
    throw new JsonProblem("tell takes a message: an object with a type that is text and not empty");
  if (onRejected !== null && typeOf(onRejected) === undefined)
    throw new JsonProblem("onRejected is a message: an object with a type that is text and not empty");
  return { to: receiverOf(to), message, delayMs, onRejected };
}

function receiverOf(to: Json | undefined): Tell["to"] {
  try {
    const { type, id } = parseReference(to);
    return { type, id };
  } catch (thrown) {
    throw new JsonProblem(thrown instanceof Error ? thrown.message : "tell takes a reference");
  }
}
