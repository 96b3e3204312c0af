// What one message comes to on a state, by the very functions that the engine uses: no store, no time, no I/O.

import type { SoundDecision } from "../core/decision.ts";
import type { Entity, HandleContext } from "../core/entity.ts";
import { reasonOf } from "../core/errors.ts";
import { copyJson, freezeState, type Json, typeOf } from "../core/json.ts";
import { readDecision } from "../core/read-decision.ts";
import { check, describeIssues, type Schema } from "../core/schema.ts";

/** Bytes of JSON that a message, event, payload or reply may have: the default of a node. */
const MAX_BYTES = 1024 * 1024;

/** What a sender would be told: the decision, or why there is none. */
export type Outcome<S> =
  | { readonly kind: "decided"; readonly decision: SoundDecision; readonly state: S }
  | { readonly kind: "failed"; readonly reason: string };

/** Never throws: whatever the entity's code throws is the reason. */
export function decide<S, M, E>(
  entity: Entity<S, M, E, object>,
  state: S,
  message: M,
  context: HandleContext,
): Outcome<S> {
  try {
    const returned: unknown = entity.handle(readMessage(entity.message, message), state, context);
    const decision = readDecision(returned, entity.event, {
      knowsEffect: () => true, // which effects a program starts with is not the entity's to say
      durableOf: () => undefined, // nor how they are tried
      maxBytes: MAX_BYTES,
    });
    if (decision.kind === "faulty") return { kind: "failed", reason: decision.reason };
    if (decision.kind === "rejects") return { kind: "decided", decision, state };
    return { kind: "decided", decision, state: fold(entity, state, decision.events) };
  } catch (thrown) {
    return { kind: "failed", reason: reasonOf(thrown) };
  }
}

/** Updates with stored events, each frozen state in its turn. @throws whatever `update` throws, or JsonProblem */
function fold<S, M, E>(entity: Entity<S, M, E, object>, from: S, events: readonly Json[]): S {
  let state = from;
  for (const event of events) {
    // Stored text has no type of its own: that it is an E was settled when it was decided.
    state = entity.update(event as E, state);
    freezeState(state);
  }
  return state;
}

/**
 * Given events, as if they had been stored and read again: plain JSON, fit for the schema.
 * @throws Error that names the event by its place
 */
export function replay<S, M, E>(entity: Entity<S, M, E, object>, events: readonly E[]): S {
  let state = entity.init();
  freezeState(state);
  for (const [i, event] of events.entries()) {
    try {
      state = fold(entity, state, [readGivenEvent(entity.event, event)]);
    } catch (thrown) {
      throw new Error(`given event ${i} of ${entity.type}: ${reasonOf(thrown)}`, { cause: thrown });
    }
  }
  return state;
}

function readGivenEvent(schema: Schema<unknown> | undefined, event: unknown): Json {
  const copy = copyJson(fitted(schema, event), MAX_BYTES);
  if (typeOf(copy) === undefined)
    throw new Error("an event is an object with a type that is text and not empty");
  return copy;
}

function readMessage<M>(schema: Schema<M> | undefined, message: M): M {
  const copy = copyJson(message, MAX_BYTES);
  if (typeOf(copy) === undefined)
    throw new Error("a message is an object with a type that is text and not empty");
  return fitted(schema, copy as M);
}

function fitted<T>(schema: Schema<T> | undefined, value: T): T {
  if (schema === undefined) return value;
  const checked = check(schema, value);
  if (checked.kind === "unfit") throw new Error(`the schema refuses it: ${describeIssues(checked.issues)}`);
  return checked.value;
}
