// Plain JSON, checked and copied in one walk. What the engine keeps is never an object that a caller can still
// change, and what a handler sees now is what a replay will see: so nothing that JSON would drop or alter passes.

import { reasonOf } from "./errors.ts";

/** What JSON text carries unchanged: no `undefined`, `Date`, `Map`, BigInt, NaN or class instance. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How deep arrays and objects may be nested; a cycle ends here as well. */
export const MAX_DEPTH = 100;

/** Why a value is not plain JSON, and where. Caught by the steps of a send, which make a PachydermError of it. */
export class JsonProblem extends Error {
  /** From the outermost key inwards; each level that the problem passes on its way out puts its key in front. */
  readonly path: (string | number)[] = [];
  readonly tooLarge: boolean;

  constructor(reason: string, tooLarge = false) {
    super(reason);
    this.tooLarge = tooLarge;
  }

  /** The reason, with the place where there is one. */
  get sentence(): string {
    return this.path.length === 0 ? this.message : `at ${this.path.join(".")}: ${this.message}`;
  }
}

/** What a walk threw, in words. */
export function problemText(thrown: unknown): string {
  return thrown instanceof JsonProblem ? thrown.sentence : reasonOf(thrown);
}

/** How much of a limit is used: a walk counts what the JSON text will have at least. */
interface Size {
  atLeast: number;
  /** Those may have more characters than a walk counts for them. */
  numbers: number;
  readonly most: number;
}

/**
 * A deep copy of a plain JSON value, frozen: a handler that is run again must see what it saw before.
 *
 * Refuses what JSON text cannot carry unchanged (`undefined`, functions, symbols, BigInt, NaN and the infinities,
 * class instances, holes), keys that reach a prototype (`__proto__`, `constructor.prototype`), more than
 * {@link MAX_DEPTH} levels, and more than `maxBytes` bytes of JSON text (UTF-8). `-0` becomes `0`, as in JSON.
 *
 * @throws JsonProblem, and whatever a getter or a proxy in the value throws
 */
export function copyJson(value: unknown, maxBytes: number): Json {
  const size: Size = { atLeast: 0, numbers: 0, most: maxBytes };
  const copy = copyValue(value, 0, size);
  checkSize(copy, size);
  return copy;
}

/** The exact size is measured only where the cheap bound leaves a doubt: a character is at most 6 bytes, a number 24. */
function checkSize(copy: Json, { atLeast, numbers, most }: Size): void {
  if (atLeast > most) throw tooLarge(most);
  if (atLeast * 6 + numbers * 20 > most && Buffer.byteLength(JSON.stringify(copy)) > most)
    throw tooLarge(most);
}

function copyValue(value: unknown, depth: number, size: Size): Json {
  size.atLeast += 1;
  // Here and not only at the end: a proxy may have no end.
  if (size.atLeast > size.most) throw tooLarge(size.most);
  switch (typeof value) {
    case "string":
      size.atLeast += value.length + 1;
      return value;
    case "number":
      if (!Number.isFinite(value)) throw new JsonProblem(`${value} has no form in JSON`);
      size.numbers += 1;
      return value === 0 ? 0 : value;
    case "boolean":
      return value;
    case "object":
      if (value === null) return null;
      if (depth >= MAX_DEPTH) throw tooDeep();
      return Array.isArray(value) ? copyArray(value, depth, size) : copyObject(value, depth, size);
    default:
      throw new JsonProblem(notJson(value));
  }
}

function copyArray(value: readonly unknown[], depth: number, size: Size): Json {
  const copy: Json[] = [];
  let at = 0;
  try {
    for (; at < value.length; at++) copy.push(copyValue(value[at], depth + 1, size));
  } catch (thrown) {
    throw placed(at, thrown);
  }
  return Object.freeze(copy);
}

function copyObject(value: object, depth: number, size: Size): Json {
  if (!isPlain(value)) throw new JsonProblem(notJson(value));
  const copy: { [key: string]: Json } = {};
  let at = "";
  try {
    // for-in makes no array of the keys; what it inherits (from a prototype that somebody has extended) is passed by.
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue;
      at = key;
      size.atLeast += key.length + 3;
      copy[key] = copyValue((value as Readonly<Record<string, unknown>>)[key], depth + 1, size);
      if (key === "__proto__" || key === "constructor") refuseReach(key, copy);
    }
  } catch (thrown) {
    throw placed(at, thrown);
  }
  return Object.freeze(copy);
}

/**
 * As {@link copyJson}, in place: of what `JSON.parse` made, and nobody else has. All of it is frozen, and refused is what
 * such a value can still have wrong.
 *
 * @throws JsonProblem
 */
export function adoptJson(value: unknown, maxBytes: number): Json {
  const size: Size = { atLeast: 0, numbers: 0, most: maxBytes };
  adopt(value, 0, size);
  checkSize(value as Json, size);
  return value as Json;
}

function adopt(value: unknown, depth: number, size: Size): void {
  size.atLeast += 1;
  switch (typeof value) {
    case "string":
      size.atLeast += value.length + 1;
      return;
    case "number":
      // 1e999 is read as Infinity, and -0 would be a 0 the next time.
      if (!Number.isFinite(value) || Object.is(value, -0))
        throw new JsonProblem(`${value} has no form in JSON`);
      size.numbers += 1;
      return;
    case "boolean":
      return;
    case "object":
      if (value === null) return;
      if (depth >= MAX_DEPTH) throw tooDeep();
      if (Array.isArray(value)) adoptArray(value, depth, size);
      else adoptObject(value, depth, size);
      return;
    default:
      throw new JsonProblem(notJson(value));
  }
}

function adoptArray(value: readonly unknown[], depth: number, size: Size): void {
  let at = 0;
  try {
    for (; at < value.length; at++) adopt(value[at], depth + 1, size);
  } catch (thrown) {
    throw placed(at, thrown);
  }
  Object.freeze(value);
}

function adoptObject(value: object, depth: number, size: Size): void {
  let at = "";
  try {
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue;
      at = key;
      size.atLeast += key.length + 3;
      const part: unknown = (value as Parts)[key];
      if (key === "__proto__" || key === "constructor") refuseReach(key, value as { [key: string]: Json });
      adopt(part, depth + 1, size);
    }
  } catch (thrown) {
    throw placed(at, thrown);
  }
  Object.freeze(value);
}

/**
 * Frozen objects that were looked into. That an object is frozen says nothing about what is in it, if an `update` froze
 * it: at whatever depth. What was frozen here comes by once more, and from then on is known.
 */
const walked = new WeakSet<object>();

/**
 * Freezes a state and all in it, and refuses what a snapshot could not bring back. What stands at the same place of the
 * state before, or is known, is not walked again, so the cost is that of what is new.
 *
 * Senders and later messages share this very object: frozen, an `update` or a caller that changes it in place
 * gets a TypeError at once, instead of a history that differs from its replay.
 *
 * @param before the state that `update` was given
 * @throws JsonProblem
 */
export function freezeState(state: unknown, before?: unknown): void {
  freeze(state, before, 0);
}

function freeze(value: unknown, before: unknown, depth: number): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw new JsonProblem(`${value} has no form in JSON`);
      return;
    case "object":
      if (value === null || value === before) return;
      if (!Object.isFrozen(value)) {
        freezeObject(value, before, depth);
      } else if (!walked.has(value)) {
        freezeObject(value, before, depth);
        walked.add(value);
      }
      return;
    default:
      throw new JsonProblem(notJson(value));
  }
}

function freezeObject(value: object, before: unknown, depth: number): void {
  if (depth >= MAX_DEPTH) throw tooDeep();
  const isArray = Array.isArray(value);
  if (!isArray && !isPlain(value)) throw new JsonProblem(notJson(value));
  const old = typeof before === "object" && before !== null ? (before as Parts) : NO_PARTS;
  let at = "";
  try {
    for (const key in value) {
      const part = (value as Parts)[key];
      at = key;
      // A key that is there without a value is as good as left out, now and after a snapshot.
      if (part !== undefined || isArray) freeze(part, old[key], depth + 1);
    }
  } catch (thrown) {
    throw placed(at, thrown);
  }
  Object.freeze(value);
}

type Parts = Readonly<Record<string, unknown>>;
const NO_PARTS: Parts = {};

function placed(key: string | number, thrown: unknown): unknown {
  if (thrown instanceof JsonProblem) thrown.path.unshift(key);
  return thrown;
}

function tooDeep(): JsonProblem {
  return new JsonProblem(`nested deeper than ${MAX_DEPTH} levels, or refers to itself`);
}

function tooLarge(maxBytes: number): JsonProblem {
  return new JsonProblem(`more than ${maxBytes} bytes as JSON`, true);
}

/** An object literal, of this realm or another: its prototype is null or has none itself. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** After the assignment: an own key `__proto__` has by now set the copy's prototype, which is thrown away with it. */
function refuseReach(key: string, copy: { readonly [key: string]: Json }): void {
  if (key === "__proto__") throw new JsonProblem("the key __proto__ is not allowed");
  const part = copy[key];
  if (typeof part === "object" && part !== null && Object.hasOwn(part, "prototype")) {
    throw new JsonProblem("constructor.prototype is not allowed");
  }
}

function notJson(value: unknown): string {
  if (value === undefined) return "undefined has no form in JSON; leave the key out, or use null";
  if (typeof value === "bigint") return "a BigInt has no form in JSON; send it as text";
  if (value instanceof Date) return "a Date is not plain JSON; use its epoch milliseconds or its ISO text";
  if (value instanceof Promise) {
    value.catch(() => {}); // the refusal is the answer; a later rejection must not end the process
    return "a promise is not plain JSON; await it before";
  }
  if (typeof value !== "object" || value === null) return `a ${typeof value} has no form in JSON`;
  return `an instance of ${value.constructor?.name || "a class"} is not plain JSON`;
}

/** Parses stored text; text that could reach a prototype is refused like malformed text. @throws Error */
export function parseJson(text: string): Json {
  const value = JSON.parse(text) as Json;
  // An escape may spell the key too; both are rare, so the walk is paid only by texts that have them.
  if (text.includes("__proto__") || text.includes("\\u")) return copyJson(value, Number.MAX_SAFE_INTEGER);
  return value;
}

/** The `type` of a message or an event: text that is not empty; undefined if it has none. */
export function typeOf(value: Json): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const type = (value as { readonly [key: string]: Json })["type"];
  return typeof type === "string" && type !== "" ? type : undefined;
}
