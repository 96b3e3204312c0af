// What a caller may say with a send or a get, checked: names too, for a misspelt one would be a promise not kept.

import { type Place, parseCursor } from "../core/cursor.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError, reasonOf } from "../core/errors.ts";
import { strayKey } from "../core/known-keys.ts";
import type { DestroyOptions, GetOptions, SendOptions } from "../core/options.ts";
import type { Reference } from "../core/reference.ts";
import type { Sealed } from "./envelope.ts";

export interface OptionRules {
  readonly network: string;
  /** Milliseconds, where the caller gives none. */
  readonly timeoutMs: number;
  /** The longest that a caller may ask for, milliseconds. */
  readonly longestTimeoutMs: number;
}

const KEY_LENGTH = 200;
const NONE: SendOptions & GetOptions = {};
const SEND = new Set([
  "config",
  "idempotencyKey",
  "timeoutMs",
  "retry",
  "expected",
  "answer",
  "args",
  "durability",
]);
const GET = new Set(["stale", "atLeast", "timeoutMs"]);
const DESTROY = new Set(["timeoutMs"]);

/** @throws PachydermError INVALID_OPTIONS */
export function readSendOptions(options: SendOptions | undefined): SendOptions {
  const given: SendOptions = readOptions(options, SEND);
  const { idempotencyKey, retry } = given;
  if (idempotencyKey !== undefined) checkKey(idempotencyKey);
  checkFlag("retry", retry);
  return given;
}

/** @throws PachydermError INVALID_OPTIONS */
export function readGetOptions(options: GetOptions | undefined): GetOptions {
  const given: GetOptions = readOptions(options, GET);
  checkFlag("stale", given.stale);
  return given;
}

/** @throws PachydermError INVALID_OPTIONS */
export function readDestroyOptions(options: DestroyOptions | undefined): DestroyOptions {
  return readOptions(options, DESTROY);
}

function readOptions(options: unknown, known: ReadonlySet<string>): SendOptions & GetOptions {
  if (options === undefined) return NONE;
  if (typeof options !== "object" || options === null) throw invalidOption("options is an object");
  let given: object;
  try {
    given = { ...options }; // read once: a getter may throw, or say another thing the next time
  } catch (thrown) {
    throw invalidOption(`options cannot be read: ${reasonOf(thrown)}`);
  }
  for (const name of Object.keys(given)) {
    if (!known.has(name)) throw invalidOption(`${strayKey(given, [...known])}`);
  }
  return given;
}

/** Whether a caller's key can be one. */
export function isKey(key: unknown): key is string {
  return typeof key === "string" && key.length >= 1 && key.length <= KEY_LENGTH && key.isWellFormed();
}

function checkKey(key: unknown): void {
  if (!isKey(key)) throw invalidOption(`idempotencyKey is text of 1 to ${KEY_LENGTH} characters`);
}

function checkFlag(name: string, flag: unknown): void {
  if (flag !== undefined && typeof flag !== "boolean") throw invalidOption(`${name} is true or false`);
}

/** @throws PachydermError INVALID_OPTIONS */
export function readTimeout(given: unknown, { timeoutMs, longestTimeoutMs }: OptionRules): number {
  if (given === undefined) return timeoutMs;
  if (typeof given === "number" && given > 0 && given <= longestTimeoutMs) return given;
  throw invalidOption(`timeoutMs is a number of milliseconds above 0 and up to ${longestTimeoutMs}`);
}

/** @throws PachydermError INVALID_OPTIONS, INVALID_CURSOR */
export function readExpected(expected: unknown, to: Reference, { network }: OptionRules): number | Place {
  if (typeof expected !== "number") return readPlace(expected, to, network);
  if (Number.isSafeInteger(expected) && expected >= 0) return expected;
  throw invalidOption("expected is a version (a whole number from 0 on) or a cursor");
}

/** @throws PachydermError INVALID_CURSOR */
export function readPlace(cursor: unknown, to: Reference, network: string): Place {
  const place = parseCursor(network, cursor);
  if (place.id === to.id) return place;
  throw new PachydermError("INVALID_CURSOR", `the cursor is of the entity ${place.id}, not of ${to.id}`);
}

/** @throws PachydermError INVALID_OPTIONS */
export function readAnswer(answer: unknown): Sealed["answer"] {
  if (answer === undefined || answer === "state") return "state";
  if (typeof answer !== "string")
    throw invalidOption(`answer is "state", "none" or a query's name, not a ${typeof answer}`);
  return answer === "none" ? answer : { query: answer };
}

/** @throws PachydermError INVALID_OPTIONS */
export function checkQuery(query: string, { type, queries }: AnyEntity): void {
  if (Object.hasOwn(queries, query)) return;
  const known = Object.keys(queries).join(", ") || "none";
  throw invalidOption(`${type} has no query ${query} (there are: ${known})`);
}

function invalidOption(message: string): PachydermError {
  return new PachydermError("INVALID_OPTIONS", message);
}
