// From whatever `handle` returned to a sound decision, or to the reason why it is none. Nothing is trusted here:
// a handler is the user's code, and what it returns is about to be stored for ever.

import { isBuiltIn, readBuiltIn } from "./built-in-effects.ts";
import { isRejection, type Rejection, type SoundDecision, type SoundEffect } from "./decision.ts";
import type { DurablePolicy } from "./durable.ts";
import { reasonOf } from "./errors.ts";
import { copyJson, type Json, JsonProblem, typeOf } from "./json.ts";
import { check, describeIssues, type Schema } from "./schema.ts";

export interface DecisionRules {
  /** Whether an effect of this name can be dispatched by this program. */
  readonly knowsEffect: (name: string) => boolean;
  /** How an effect is tried, one of the system's own too; undefined: at most once. */
  readonly durableOf: (name: string) => DurablePolicy | undefined;
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
    if (Array.isArray(returned)) return readEvents(returned, schema, rules, NONE, null);
    return readObject(returned, schema, rules);
  } catch (thrown) {
    // What is no JsonProblem was thrown by a getter or a proxy of the handler's own making, as in `placed`.
    if (thrown instanceof JsonProblem)
      return { kind: "faulty", reason: thrown.sentence, tooLarge: thrown.tooLarge };
    return { kind: "faulty", reason: `reading it throws: ${reasonOf(thrown)}`, tooLarge: false };
  }
}

const NONE: readonly never[] = [];
/** Of one decision: about 30 ms of Redis. */
const MAX_EVENTS = 10_000;
/** Of one decision: those that are durable take as long. */
const MAX_EFFECTS = 1_000;
const MAX_CHARACTERS = 16 * 1024 * 1024;

function readObject(returned: unknown, schema: EventSchema, rules: DecisionRules): SoundDecision {
  if (typeof returned !== "object" || returned === null) {
    throw new JsonProblem(`handle returned ${describe(returned)}`);
  }
  if (isRejection(returned)) return readRejection(returned, rules);
  if (typeof (returned as { then?: unknown }).then === "function") {
    Promise.resolve(returned).catch(() => {}); // refused already; its later rejection must not end the process
    throw new JsonProblem(
      "handle returned a promise; it must be pure, and what is asynchronous belongs into an effect",
    );
  }
  return readYield(returned, schema, rules);
}

function readRejection({ code, detail }: Rejection, rules: DecisionRules): SoundDecision {
  if (typeof code !== "string" || code === "") throw new JsonProblem("reject() takes a code that is text");
  return { kind: "rejects", code, detail: readPart("detail", detail, rules) };
}

function readYield(returned: object, schema: EventSchema, rules: DecisionRules): SoundDecision {
  for (const key of Object.keys(returned)) {
    if (key !== "events" && key !== "effects" && key !== "reply") {
      throw new JsonProblem(
        `handle returned an object with the key ${key}; it takes events, effects and reply`,
      );
    }
  }
  const { events, effects, reply } = returned as { events?: unknown; effects?: unknown; reply?: unknown };
  const soundEffects = effects === undefined ? NONE : readEffects(effects, rules);
  return readEvents(events ?? NONE, schema, rules, soundEffects, readPart("reply", reply, rules));
}

function readEvents(
  given: unknown,
  schema: EventSchema,
  rules: DecisionRules,
  effects: readonly SoundEffect[],
  reply: Json,
): SoundDecision {
  if (!Array.isArray(given)) throw new JsonProblem(`events is ${describe(given)}, not an array`);
  if (given.length > MAX_EVENTS) throw new JsonProblem(`more than ${MAX_EVENTS} events`, true);
  // Mostly it is one event: without closures and copies of the array, that is a sixteenth of all garbage of a send.
  return given.length === 1 && 0 in given
    ? readOneEvent(given[0], schema, rules, effects, reply)
    : readManyEvents(given, schema, rules, effects, reply);
}

function readOneEvent(
  given: unknown,
  schema: EventSchema,
  rules: DecisionRules,
  effects: readonly SoundEffect[],
  reply: Json,
): SoundDecision {
  try {
    const event = readEvent(given, schema, rules);
    return { kind: "yields", events: [event], texts: [textOf(event)], effects, reply };
  } catch (thrown) {
    throw placed("events.0", thrown);
  }
}

function readManyEvents(
  given: readonly unknown[],
  schema: EventSchema,
  rules: DecisionRules,
  effects: readonly SoundEffect[],
  reply: Json,
): SoundDecision {
  let at = -1;
  try {
    // map() makes an array of the right size; push() would make room for seventeen, for what is mostly one event.
    const events = given.map((event: unknown, i) => {
      if (i !== at + 1) throw new JsonProblem("the array has a hole before it");
      at = i;
      return readEvent(event, schema, rules);
    });
    // It passes holes by; a record that is counted and not written would put the worker's memory beyond the log.
    if (at !== given.length - 1) throw new JsonProblem("the array ends in a hole");
    const texts = events.map(textOf);
    if (texts.length > 1) checkTotal(texts);
    return { kind: "yields", events, texts, effects, reply };
  } catch (thrown) {
    throw placed(`events.${at}`, thrown);
  }
}

/** Each event is within its own limit by now; but all of them are written by one call, which holds up everybody else. */
function checkTotal(texts: readonly string[]): void {
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  if (characters > MAX_CHARACTERS)
    throw new JsonProblem(`together more than ${MAX_CHARACTERS} characters`, true);
}

function textOf(event: Json): string {
  return JSON.stringify(event);
}

function readEvent(event: unknown, schema: EventSchema, rules: DecisionRules): Json {
  const value = copyJson(schema === undefined ? event : fitEvent(event, schema), rules.maxBytes);
  const type = typeOf(value);
  if (type === undefined)
    throw new JsonProblem("an event is an object with a type that is text and not empty");
  if (type.startsWith("$"))
    throw new JsonProblem(`the event type ${type}: types that begin with $ are the system's`);
  return value;
}

function fitEvent(event: unknown, schema: Schema<unknown>): unknown {
  const checked = check(schema, event);
  if (checked.kind === "fits") return checkStable(checked.value, schema);
  throw new JsonProblem(`the event's schema refuses it: ${describeIssues(checked.issues)}`);
}

/** A stored event is checked again when it is read: a transform must leave what it made as it is, then and now. */
function checkStable(event: unknown, schema: Schema<unknown>): unknown {
  const again = check(schema, event);
  if (again.kind === "fits" && JSON.stringify(again.value) === JSON.stringify(event)) return event;
  throw new JsonProblem(
    "the event's schema changes, or refuses, what it made itself: give it no transform, or a stable one",
  );
}

function readEffects(given: unknown, rules: DecisionRules): readonly SoundEffect[] {
  if (!Array.isArray(given)) throw new JsonProblem(`effects is ${describe(given)}, not an array`);
  if (given.length > MAX_EFFECTS) throw new JsonProblem(`more than ${MAX_EFFECTS} effects`, true);
  const effects: SoundEffect[] = [];
  try {
    for (const one of given) effects.push(readEffect(one, rules));
  } catch (thrown) {
    throw placed(`effects.${effects.length}`, thrown);
  }
  return effects;
}

function readEffect(effect: unknown, rules: DecisionRules): SoundEffect {
  if (typeof effect !== "object" || effect === null)
    throw new JsonProblem(`an effect is ${describe(effect)}`);
  const { effect: name, payload } = effect as { effect?: unknown; payload?: unknown };
  if (typeof name !== "string")
    throw new JsonProblem("an effect is made by calling what defineEffect returned");
  const policy = rules.durableOf(name);
  const durable = policy === undefined ? {} : { durable: policy };
  if (isBuiltIn(name)) return { effect: name, payload: readBuiltInPart(name, payload, rules), ...durable };
  if (!rules.knowsEffect(name)) {
    throw new JsonProblem(`the effect ${name} is not among the effects given to Pachyderm.start`);
  }
  return { effect: name, payload: readPart("payload", payload, rules), ...durable };
}

function readBuiltInPart(name: string, payload: unknown, { maxBytes }: DecisionRules): Json {
  const sound = readBuiltIn(name, payload, maxBytes);
  if (sound === undefined) throw new JsonProblem(`there is no effect ${name} of the system's own`);
  return sound;
}

function readPart(place: string, value: unknown, rules: DecisionRules): Json {
  if (value === undefined || value === null) return null;
  try {
    return copyJson(value, rules.maxBytes);
  } catch (thrown) {
    throw placed(place, thrown);
  }
}

/** What is no JsonProblem was thrown by a getter or a proxy of the handler's own making. */
function placed(place: string, thrown: unknown): JsonProblem {
  const problem =
    thrown instanceof JsonProblem ? thrown : new JsonProblem(`reading it throws: ${reasonOf(thrown)}`);
  problem.path.unshift(place);
  return problem;
}

function describe(value: unknown): string {
  return value === null
    ? "null"
    : typeof value === "object"
      ? "an object"
      : `${typeof value} (${String(value)})`;
}
