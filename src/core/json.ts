// Plain JSON, checked and copied in one walk. What the engine keeps is never an object that a caller can still
// change, and what a handler sees now is what a replay will see: so nothing that JSON would drop or alter passes.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How deep arrays and objects may be nested; a cycle ends here as well. */
export const MAX_DEPTH = 100;

type Path = (string | number)[];

/** Why a value is not plain JSON, and where. Caught by the steps of a send, which make a PachydermError of it. */
export class JsonProblem extends Error {
  readonly path: readonly (string | number)[];
  readonly reason: string;
  readonly tooLarge: boolean;

  constructor(path: Path, reason: string, tooLarge = false) {
    super(path.length === 0 ? reason : `at ${path.join(".")}: ${reason}`);
    this.path = [...path];
    this.reason = reason;
    this.tooLarge = tooLarge;
  }
}

/**
 * A deep copy of a plain JSON value, frozen: a handler that is run again must see what it saw before.
 *
 * Refuses what JSON text cannot carry unchanged (`undefined`, functions, symbols, BigInt, NaN and the infinities,
 * class instances, holes), keys that reach a prototype (`__proto__`, `constructor.prototype`), more than
 * {@link MAX_DEPTH} levels, and more than `maxBytes` bytes of JSON text (UTF-8). `-0` becomes `0`, as in JSON.
 *
 * @throws JsonProblem
 */
export function copyJson(value: unknown, maxBytes: number): Json {
  const walk = new CopyWalk(maxBytes);
  const copy = walk.copy(value, 0);
  walk.measure(copy);
  return copy;
}

class CopyWalk {
  readonly #maxBytes: number;
  readonly #path: Path = [];
  /** Characters so far, quotes and separators counted: never more than the bytes of the JSON text. */
  #atLeast = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  copy(value: unknown, depth: number): Json {
    this.#atLeast += 1;
    switch (typeof value) {
      case "string":
        this.#atLeast += value.length + 1;
        return value;
      case "number":
        if (!Number.isFinite(value)) throw this.#problem(`${value} has no form in JSON`);
        return value === 0 ? 0 : value;
      case "boolean":
        return value;
      case "object":
        return value === null ? null : this.#copyObject(value, depth);
      default:
        throw this.#problem(notJson(value));
    }
  }

  /** The exact size is measured only where the cheap bound leaves a doubt (a character is at most 6 bytes). */
  measure(copy: Json): void {
    if (this.#atLeast * 6 <= this.#maxBytes) return;
    if (Buffer.byteLength(JSON.stringify(copy)) > this.#maxBytes) throw this.#tooLarge();
  }

  #copyObject(value: object, depth: number): Json {
    if (depth >= MAX_DEPTH)
      throw this.#problem(`nested deeper than ${MAX_DEPTH} levels, or refers to itself`);
    if (this.#atLeast > this.#maxBytes) throw this.#tooLarge();
    if (Array.isArray(value)) {
      const copy: Json[] = [];
      for (let i = 0; i < value.length; i++) copy.push(this.#step(i, value[i], depth));
      return Object.freeze(copy);
    }
    if (!isPlain(value)) throw this.#problem(notJson(value));
    const copy: { [key: string]: Json } = {};
    for (const key of Object.keys(value)) {
      if (key === "__proto__") throw this.#problem("the key __proto__ is not allowed");
      this.#atLeast += key.length + 3;
      const part = this.#step(key, (value as Readonly<Record<string, unknown>>)[key], depth);
      if (key === "constructor" && reachesPrototype(part))
        throw this.#problem("constructor.prototype is not allowed");
      copy[key] = part;
    }
    return Object.freeze(copy);
  }

  #step(key: string | number, value: unknown, depth: number): Json {
    this.#path.push(key);
    const copy = this.copy(value, depth + 1);
    this.#path.pop();
    return copy;
  }

  #problem(reason: string): JsonProblem {
    return new JsonProblem(this.#path, reason);
  }

  #tooLarge(): JsonProblem {
    return new JsonProblem([], `more than ${this.#maxBytes} bytes as JSON`, true);
  }
}

/**
 * Freezes a state and all in it, and refuses what a snapshot could not bring back. Parts that are frozen already
 * (shared with the state before) are not walked again, so the cost is that of what is new.
 *
 * Senders and later messages share this very object: frozen, an `update` or a caller that changes it in place
 * gets a TypeError at once, instead of a history that differs from its replay.
 *
 * @throws JsonProblem
 */
export function freezeState(state: unknown): void {
  freeze(state, 0, []);
}

function freeze(value: unknown, depth: number, path: Path): void {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new JsonProblem(path, `${value} has no form in JSON`);
  if (typeof value !== "object" || value === null) {
    if (
      value !== null &&
      typeof value !== "string" &&
      typeof value !== "number" &&
      typeof value !== "boolean"
    )
      throw new JsonProblem(path, notJson(value));
    return;
  }
  if (Object.isFrozen(value)) return;
  if (depth >= MAX_DEPTH)
    throw new JsonProblem(path, `nested deeper than ${MAX_DEPTH} levels, or refers to itself`);
  if (!Array.isArray(value) && !isPlain(value)) throw new JsonProblem(path, notJson(value));
  for (const key of Object.keys(value)) {
    const part = (value as Readonly<Record<string, unknown>>)[key];
    if (part === undefined && !Array.isArray(value)) continue; // as good as left out, now and after a snapshot
    path.push(key);
    freeze(part, depth + 1, path);
    path.pop();
  }
  Object.freeze(value);
}

/** An object literal, of this realm or another: its prototype is null or has none itself. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

function reachesPrototype(value: Json): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

function notJson(value: unknown): string {
  if (value === undefined) return "undefined has no form in JSON; leave the key out, or use null";
  if (typeof value === "bigint") return "a BigInt has no form in JSON; send it as text";
  if (value instanceof Date) return "a Date is not plain JSON; use its epoch milliseconds or its ISO text";
  if (value instanceof Promise) return "a promise is not plain JSON; await it before";
  if (typeof value !== "object" || value === null) return `a ${typeof value} has no form in JSON`;
  return `an instance of ${value.constructor?.name || "a class"} is not plain JSON`;
}

/** Parses stored text; text that could reach a prototype is refused like malformed text. @throws Error */
export function parseJson(text: string): Json {
  const value = JSON.parse(text) as Json;
  // An escape may spell the key too; both are rare, so the walk is paid only by texts that have them.
  if (text.includes("__proto__") || text.includes("\\u")) return copyJson(value, Number.MAX_SAFE_INTEGER / 6);
  return value;
}

/** The `type` of a message or an event: text that is not empty; undefined if it has none. */
export function typeOf(value: Json): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const type = (value as { readonly [key: string]: Json })["type"];
  return typeof type === "string" && type !== "" ? type : undefined;
}
