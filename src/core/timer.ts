// Timers: messages that an entity sends to itself, later. `schedule` and `cancel` describe them as effects do: data of
// a decision, and nothing before its commit.

import type { Message } from "./decision.ts";
import { type Duration, millisecondsOf } from "./duration.ts";
import type { Effect } from "./effect.ts";
import { PachydermError } from "./errors.ts";
import { Given } from "./given.ts";
import { copyJson, type Json, JsonProblem, typeOf } from "./json.ts";

/** What `handle` is told of the timer that sent its message. */
export interface TimerContext {
  readonly name: string;
  /** When it was due, epoch milliseconds by Redis's clock. */
  readonly dueAt: number;
  /** Milliseconds from then to `context.now`: never negative, for no timer is early. */
  readonly lateMs: number;
  /** Of an `every`: ticks after `dueAt` that had passed when it fired. They are counted, and not fired. Else 0. */
  readonly missed: number;
}

/** One firing of a timer: it is handled only while the timer stands as it was read. */
export interface Firing {
  readonly name: string;
  /** Which scheduling of the name it is: no two have the same. `[A-Za-z0-9_-]+` */
  readonly generation: string;
  readonly dueAt: number;
  /** Milliseconds from `dueAt` until it was read, by the store's clock. */
  readonly lateMs: number;
  readonly missed: number;
  /** Milliseconds from tick to tick; null: it fires once. */
  readonly every: number | null;
}

/** What `schedule` takes. Exactly one of `after` and `at`; neither: the first tick of `every`. */
export interface TimerSpec<M extends Message = Message> {
  /** 1 to 100 characters. An entity has one timer of a name: scheduling it again replaces it. */
  readonly name: string;
  /** Time from `context.now` on. */
  readonly after?: Duration;
  /** Epoch milliseconds by Redis's clock, or a Date. What is past is due at once. */
  readonly at?: number | Date;
  /** Fires again and again, so far apart, 10 ms at least, until it is cancelled. */
  readonly every?: Duration;
  /** What the entity is sent: plain JSON with a type, like any message. */
  readonly message: M;
}

/** A timer that is to be set, as it stands in a decision. */
export interface ScheduledTimer<M = Json> {
  readonly name: string;
  /** Milliseconds from `context.now` on; null: `at` says when. */
  readonly after: number | null;
  /** Epoch milliseconds; null: `after` says when. */
  readonly at: number | null;
  /** Milliseconds; null: once. */
  readonly every: number | null;
  readonly message: M;
}

/** A timer that is to be taken away, as it stands in a decision. */
export interface CancelledTimer {
  readonly name: string;
}

export const SCHEDULE = "$schedule";
export const CANCEL = "$cancel";

/**
 * Sends the entity a message at a time to come: an effect of `handle`, set by the commit of its decision. It fires once,
 * never early; late if the cluster was down. docs/timers.md
 * @throws PachydermError INVALID_OPTIONS, which in `handle` makes the message HANDLER_FAILED
 */
export function schedule<const M extends Message>(spec: TimerSpec<M>): Effect<ScheduledTimer<M>> {
  const payload = described(() => checkSpec(spec)) as ScheduledTimer<M>;
  Checked.mark(payload);
  return { effect: SCHEDULE, payload: Object.freeze(payload) };
}

/** Payloads that `schedule` made, and nobody can have changed: they need not be looked through again. As in reference.ts. */
class Checked extends Given {
  readonly #isChecked = true;

  static mark(payload: object): void {
    new Checked(payload);
  }

  static is(payload: unknown): payload is ScheduledTimer<unknown> {
    return typeof payload === "object" && payload !== null && #isChecked in payload;
  }
}

/**
 * Takes the entity's timer of this name away, if there is one: it will not fire. An effect of `handle`.
 * @throws PachydermError INVALID_OPTIONS, which in `handle` makes the message HANDLER_FAILED
 */
export function cancel(name: string): Effect<CancelledTimer> {
  return { effect: CANCEL, payload: { name: described(() => checkName(name)) } };
}

/** The payload of a `$schedule` as it came out of a handler, which may have made it by hand. @throws JsonProblem */
export function readSchedule(payload: unknown, maxBytes: number): Json {
  if (Checked.is(payload)) {
    const { name, after, at, every, message } = payload;
    return { name, after, at, every, message: readMessage(message, maxBytes) };
  }
  const { after, at, every, message, ...rest } = partsOf(payload);
  const spec = { ...rest, ...given("after", after), ...given("at", at), ...given("every", every), message };
  const timer = checkSpec(spec);
  const copy = readMessage(message, maxBytes);
  return { name: timer.name, after: timer.after, at: timer.at, every: timer.every, message: copy };
}

function readMessage(message: unknown, maxBytes: number): Json {
  const copy = copyJson(message, maxBytes);
  if (typeOf(copy) === undefined) throw new JsonProblem("a timer's message is an object with a type");
  return copy;
}

/** The payload of a `$cancel`, likewise. @throws JsonProblem */
export function readCancel(payload: unknown): Json {
  const parts = partsOf(payload);
  checkKeys(parts, ["name"]);
  const { name } = parts;
  return { name: checkName(name) };
}

const SHORTEST_EVERY_MS = 10;
const LONGEST_NAME = 100;
/** The last time that a Date can tell. */
const LAST_MS = 8.64e15;

function checkSpec(given: unknown): ScheduledTimer<unknown> {
  const parts = partsOf(given);
  checkKeys(parts, ["name", "after", "at", "every", "message"]);
  const { name: called, after, at, every: tick, message } = parts; // each is read once
  const name = checkName(called);
  const every = tick === undefined ? null : checkEvery(tick);
  if (message === undefined) throw new JsonProblem(`the timer ${name} has no message`);
  if (after !== undefined && at !== undefined)
    throw new JsonProblem(`the timer ${name} has both after and at`);
  if (at !== undefined) return { name, after: null, at: checkTime(at), every, message };
  if (after !== undefined) return { name, after: checkDuration("after", after), at: null, every, message };
  if (every === null) throw new JsonProblem(`the timer ${name} has neither after nor at`);
  return { name, after: every, at: null, every, message };
}

function checkName(name: unknown): string {
  // It stands in a line of its own behind the entity's id; and what is no sound text would be another one in Redis.
  const sound = typeof name === "string" && name !== "" && name.length <= LONGEST_NAME && name.isWellFormed();
  if (sound) return name;
  throw new JsonProblem(`a timer's name is text of 1 to ${LONGEST_NAME} characters`);
}

function checkDuration(part: string, value: unknown): number {
  const ms = millisecondsOf(value);
  if (ms !== undefined && ms <= LAST_MS) return ms;
  throw new JsonProblem(`${part} is milliseconds from 0 on, or text such as "30s", "5m" or "1.5h"`);
}

function checkEvery(value: unknown): number {
  const ms = checkDuration("every", value);
  if (ms >= SHORTEST_EVERY_MS) return ms;
  throw new JsonProblem(`every is ${SHORTEST_EVERY_MS} ms at least`);
}

function checkTime(value: unknown): number {
  const at = value instanceof Date ? value.getTime() : value;
  if (typeof at === "number" && at >= 0 && at <= LAST_MS) return Math.ceil(at);
  throw new JsonProblem("at is a time in epoch milliseconds, or a Date");
}

function partsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw new JsonProblem("a timer is { name, after or at, every, message }");
}

function given(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === null || value === undefined ? {} : { [name]: value };
}

function checkKeys(parts: object, known: readonly string[]): void {
  const unknown = Object.keys(parts).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new JsonProblem(`a timer has no ${unknown} (it has ${known.join(", ")})`);
}

function described<T>(check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    if (thrown instanceof JsonProblem) throw new PachydermError("INVALID_OPTIONS", thrown.message);
    throw thrown;
  }
}
