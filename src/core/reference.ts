// What a sender names: { type, id }. The id alone keys the log; the type names the code that handles it.

import { v5, v7, validate } from "uuid";
import { PachydermError } from "./errors.ts";
import { Given } from "./given.ts";

/** Never there at run time: carries the entity's types from `counter.ref(id)` to `send` and `get`. */
declare const entityTypes: unique symbol;

/** What a reference knows of its entity at compile time. */
export interface EntityTypes {
  readonly state: unknown;
  readonly message: unknown;
  readonly event: unknown;
  readonly queries: object;
}

/** Names an entity, whether it has records or not: `counter.ref(id)`, or a plain `{ type, id }`. */
export interface Reference<T extends EntityTypes = EntityTypes> {
  /** The entity's type, as given to `defineEntity`. */
  readonly type: string;
  /** A UUID of any version, unique across all types, in lower case. */
  readonly id: string;
  readonly [entityTypes]?: T;
}

/** The types that a reference carries; a plain `{ type, id }` carries none, and is checked at run time only. */
export type TypesOf<R> = R extends { readonly [entityTypes]?: infer T extends EntityTypes } ? T : EntityTypes;

const TYPE = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/** Letters, digits and `_.-`, at most 64, a letter first: it stands in records and in URLs. */
export function isTypeName(value: unknown): value is string {
  return typeof value === "string" && TYPE.test(value);
}

/**
 * Checks a reference from anywhere; the id comes back in lower case.
 * @throws PachydermError INVALID_REFERENCE
 */
export function parseReference(value: unknown): Reference {
  if (Sound.is(value)) return value;
  if (typeof value !== "object" || value === null) throw invalid("a reference is { type, id }");
  const { type, id } = partsOf(value);
  if (!isTypeName(type))
    throw invalid("the type of a reference is text of letters, digits and _.-, a letter first");
  return Object.freeze({ type, id: parseId(id) });
}

/**
 * Checks an id from anywhere; it comes back in lower case.
 * @throws PachydermError INVALID_REFERENCE
 */
export function parseId(id: unknown): string {
  if (typeof id === "string" && validate(id)) return id.toLowerCase();
  throw invalid(
    "the id of a reference is a UUID; newId() makes one, idFrom(namespace, name) makes one from a name",
  );
}

/**
 * References that were checked and cannot change since: most messages go to what `counter.ref(id)` gave. A private field
 * cannot be forged, and is not seen. A WeakSet of them would do as well, for 0.35 µs of each send.
 */
class Sound extends Given {
  readonly #isSound = true;

  static mark(reference: Reference): void {
    new Sound(reference);
  }

  static is(value: unknown): value is Reference {
    return typeof value === "object" && value !== null && #isSound in value;
  }
}

/** The result is frozen, and taken as it is the next time. @param type of a definition, so it was checked. @throws PachydermError INVALID_REFERENCE */
export function makeReference(type: string, id: string): Reference {
  const reference = { type, id: parseId(id) };
  Sound.mark(reference);
  return Object.freeze(reference);
}

/** Each part is read once: what was checked is what is used. */
function partsOf(value: { readonly type?: unknown; readonly id?: unknown }): {
  readonly type: unknown;
  readonly id: unknown;
} {
  try {
    const { type, id } = value;
    return { type, id };
  } catch (cause) {
    throw invalid("the reference cannot be read: a property of it throws", cause);
  }
}

function invalid(message: string, cause?: unknown): PachydermError {
  return new PachydermError("INVALID_REFERENCE", message, { cause });
}

/**
 * A new id: a UUID version 7 (RFC 9562), so ids sort by the time they were made, to the millisecond.
 * Use `crypto.randomUUID()` instead where that time must not be seen. See docs/decisions/0002.
 */
export function newId(): string {
  return v7();
}

/**
 * The id of something that has a natural key: a UUID version 5 (RFC 9562), the same for the same two texts.
 *
 * @param namespace a UUID, or any text, which is then made a UUID under the URL namespace first
 * @param name the natural key, as it is: case and spaces count
 */
export function idFrom(namespace: string, name: string): string {
  if (typeof namespace !== "string" || typeof name !== "string" || namespace === "" || name === "") {
    throw invalid("idFrom takes two texts that are not empty");
  }
  return v5(name, validate(namespace) ? namespace : v5(namespace, v5.URL));
}
