// From whatever `handle` returned to a sound decision, or to the reason why it is none. Nothing is trusted here:
// a handler is the user's code, and what it returns is about to be stored for ever.

import {
  isRejection,
  type Rejection,
  type SoundDecision,
  type SoundEffect,
  type StoredEvent,
} from "./decision.ts";
import { copyJson, type Json, JsonProblem, typeOf } from "./json.ts";
import { check, describeIssues, type Schema } from "./schema.ts";

export interface DecisionRules {
  /** Whether an effect of this name can be dispatched by this program. */
  readonly knowsEffect: (name: string) => boolean;
  /** Bytes of JSON that one event, payload or reply may have. */
  readonly maxBytes: number;
}

type EventSchema = Schema<unknown> | undefined;

/** Faulty: the message is HANDLER_FAILED, or TOO_LARGE, with this reason. */
export interface FaultyDecision {
  readonly kind: "faulty";
  readonly reason: string;
  readonly tooLarge: boolean;
}

/** @param schema the entity's, for its events */
export function readDecision(
  returned: unknown,
  schema: EventSchema,
  rules: DecisionRules,
): SoundDecision | FaultyDecision {
  try {
    return read(returned, schema, rules);
  } catch (thrown) {
    if (thrown instanceof JsonProblem)
      return { kind: "faulty", reason: thrown.message, tooLarge: thrown.tooLarge };
    throw thrown;
  }
}

function read(returned: unknown, schema: EventSchema, rules: DecisionRules): SoundDecision {
  if (Array.isArray(returned))
    return { kind: "yields", events: readEvents(returned, schema, rules), effects: [], reply: null };
  if (typeof returned !== "object" || returned === null)
    throw problem(`handle returned ${describe(returned)}`);
  if (returned instanceof Promise || typeof (returned as { then?: unknown }).then === "function") {
    Promise.resolve(returned).catch(() => {}); // refused already; its later rejection must not end the process
    throw problem(
      "handle returned a promise; it must be pure, and what is asynchronous belongs into an effect",
    );
  }
  if (isRejection(returned)) return readRejection(returned, rules);
  return readYield(returned, schema, rules);
}

function readRejection({ code, detail }: Rejection, rules: DecisionRules): SoundDecision {
  if (typeof code !== "string" || code === "") throw problem("reject() takes a code that is text");
  return { kind: "rejects", code, detail: readPart("rejection", detail, rules) };
}

function readYield(returned: object, schema: EventSchema, rules: DecisionRules): SoundDecision {
  for (const key of Object.keys(returned)) {
    if (key !== "events" && key !== "effects" && key !== "reply") {
      throw problem(`handle returned an object with the key ${key}; it takes events, effects and reply`);
    }
  }
  const { events, effects, reply } = returned as { events?: unknown; effects?: unknown; reply?: unknown };
  return {
    kind: "yields",
    events: events === undefined ? [] : readEvents(events, schema, rules),
    effects: effects === undefined ? [] : readEffects(effects, rules),
    reply: readPart("reply", reply, rules),
  };
}

function readEvents(events: unknown, schema: EventSchema, rules: DecisionRules): readonly StoredEvent[] {
  if (!Array.isArray(events)) throw problem(`events is ${describe(events)}, not an array`);
  return readEach("events", events, (event) => readEvent(event, schema, rules));
}

function readEvent(event: unknown, schema: EventSchema, rules: DecisionRules): StoredEvent {
  const value = copyJson(schema === undefined ? event : fitEvent(event, schema), rules.maxBytes);
  const type = typeOf(value);
  if (type === undefined) throw problem("an event is an object with a type that is text and not empty");
  if (type.startsWith("$")) throw problem(`the event type ${type}: types that begin with $ are the system's`);
  return { value, text: JSON.stringify(value) };
}

function fitEvent(event: unknown, schema: Schema<unknown>): unknown {
  const checked = check(schema, event);
  if (checked.kind === "unfit")
    throw problem(`the event's schema refuses it: ${describeIssues(checked.issues)}`);
  return checked.value;
}

function readEffects(effects: unknown, rules: DecisionRules): readonly SoundEffect[] {
  if (!Array.isArray(effects)) throw problem(`effects is ${describe(effects)}, not an array`);
  return readEach("effects", effects, (effect) => readEffect(effect, rules));
}

function readEffect(effect: unknown, rules: DecisionRules): SoundEffect {
  if (typeof effect !== "object" || effect === null) throw problem(`an effect is ${describe(effect)}`);
  const { effect: name, payload } = effect as { effect?: unknown; payload?: unknown };
  if (typeof name !== "string") throw problem("an effect is made by calling what defineEffect returned");
  if (!rules.knowsEffect(name))
    throw problem(`the effect ${name} is not among the effects given to Pachyderm.start`);
  return { effect: name, payload: payload === undefined ? null : copyJson(payload, rules.maxBytes) };
}

/** Reads each of a list; a problem says where in it. */
function readEach<T>(place: string, values: readonly unknown[], read: (value: unknown) => T): readonly T[] {
  const done: T[] = [];
  try {
    for (const value of values) done.push(read(value));
  } catch (thrown) {
    throw placed(`${place}.${done.length}`, thrown);
  }
  return done;
}

function readPart(place: string, value: unknown, rules: DecisionRules): Json {
  if (value === undefined || value === null) return null;
  try {
    return copyJson(value, rules.maxBytes);
  } catch (thrown) {
    throw placed(place, thrown);
  }
}

function placed(place: string, thrown: unknown): unknown {
  if (!(thrown instanceof JsonProblem)) return thrown;
  return new JsonProblem([place, ...thrown.path], thrown.reason, thrown.tooLarge);
}

function problem(reason: string): JsonProblem {
  return new JsonProblem([], reason);
}

function describe(value: unknown): string {
  return value === null
    ? "null"
    : typeof value === "object"
      ? "an object"
      : `${typeof value} (${String(value)})`;
}
