// From whatever `handle` returned to a sound decision, or to the reason why it is none. Nothing is trusted here:
// a handler is the user's code, and what it returns is about to be stored for ever.

import { isRejection, type Rejection, type SoundDecision, type SoundEffect, type StoredEvent } from "./decision.ts";
import { copyJson, JsonProblem, typeOf } from "./json.ts";
import { check, describeIssues, type Schema } from "./schema.ts";

export interface DecisionRules {
  readonly event: Schema<unknown> | undefined;
  /** Whether an effect of this name can be dispatched by this program. */
  readonly knowsEffect: (name: string) => boolean;
  /** Bytes of JSON that one event, payload or reply may have. */
  readonly maxBytes: number;
}

/** Faulty: the message is HANDLER_FAILED, or TOO_LARGE, with this reason. */
export interface FaultyDecision {
  readonly kind: "faulty";
  readonly reason: string;
  readonly tooLarge: boolean;
}

export function readDecision(returned: unknown, rules: DecisionRules): SoundDecision | FaultyDecision {
  try {
    return read(returned, rules);
  } catch (thrown) {
    if (thrown instanceof JsonProblem) return { kind: "faulty", reason: thrown.message, tooLarge: thrown.tooLarge };
    throw thrown;
  }
}

function read(returned: unknown, rules: DecisionRules): SoundDecision {
  if (Array.isArray(returned)) return { kind: "yields", events: readEvents(returned, rules), effects: [], reply: null };
  if (typeof returned !== "object" || returned === null) throw problem(`handle returned ${describe(returned)}`);
  if (returned instanceof Promise || typeof (returned as { then?: unknown }).then === "function") {
    Promise.resolve(returned).catch(() => {}); // refused already; its later rejection must not end the process
    throw problem("handle returned a promise; it must be pure, and what is asynchronous belongs into an effect");
  }
  if (isRejection(returned)) return readRejection(returned, rules);
  return readYield(returned, rules);
}

function readRejection({ code, detail }: Rejection, rules: DecisionRules): SoundDecision {
  if (typeof code !== "string" || code === "") throw problem("reject() takes a code that is text");
  return { kind: "rejects", code, detail: at("rejection", () => copyJson(detail ?? null, rules.maxBytes)) };
}

function readYield(returned: object, rules: DecisionRules): SoundDecision {
  for (const key of Object.keys(returned)) {
    if (key !== "events" && key !== "effects" && key !== "reply") {
      throw problem(`handle returned an object with the key ${key}; it takes events, effects and reply`);
    }
  }
  const { events, effects, reply } = returned as { events?: unknown; effects?: unknown; reply?: unknown };
  return {
    kind: "yields",
    events: events === undefined ? [] : readEvents(events, rules),
    effects: effects === undefined ? [] : readEffects(effects, rules),
    reply: at("reply", () => copyJson(reply ?? null, rules.maxBytes)),
  };
}

function readEvents(events: unknown, rules: DecisionRules): readonly StoredEvent[] {
  if (!Array.isArray(events)) throw problem(`events is ${describe(events)}, not an array`);
  return events.map((event: unknown, i) => at(`events.${i}`, () => readEvent(event, rules)));
}

function readEvent(event: unknown, rules: DecisionRules): StoredEvent {
  const given = rules.event === undefined ? event : fitEvent(event, rules.event);
  const value = copyJson(given, rules.maxBytes);
  const type = typeOf(value);
  if (type === undefined) throw problem("an event is an object with a type that is text and not empty");
  if (type.startsWith("$")) throw problem(`the event type ${type}: types that begin with $ are the system's`);
  return { value, text: JSON.stringify(value) };
}

function fitEvent(event: unknown, schema: Schema<unknown>): unknown {
  const checked = check(schema, event);
  if (checked.kind === "unfit") throw problem(`the event's schema refuses it: ${describeIssues(checked.issues)}`);
  return checked.value;
}

function readEffects(effects: unknown, rules: DecisionRules): readonly SoundEffect[] {
  if (!Array.isArray(effects)) throw problem(`effects is ${describe(effects)}, not an array`);
  return effects.map((effect: unknown, i) => at(`effects.${i}`, () => readEffect(effect, rules)));
}

function readEffect(effect: unknown, rules: DecisionRules): SoundEffect {
  if (typeof effect !== "object" || effect === null) throw problem(`an effect is ${describe(effect)}`);
  const { effect: name, payload } = effect as { effect?: unknown; payload?: unknown };
  if (typeof name !== "string") throw problem("an effect is made by calling what defineEffect returned");
  if (!rules.knowsEffect(name)) throw problem(`the effect ${name} is not among the effects given to Pachyderm.start`);
  return { effect: name, payload: payload === undefined ? null : copyJson(payload, rules.maxBytes) };
}

function at<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof JsonProblem) throw new JsonProblem([place, ...thrown.path], thrown.reason, thrown.tooLarge);
    throw thrown;
  }
}

function problem(reason: string): JsonProblem {
  return new JsonProblem([], reason);
}

function describe(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? "an object" : `${typeof value} (${String(value)})`;
}
