// First step of a send (after: mailbox.ts): from whatever the caller gave to an order that nobody can change any more.
// All that can be said about a message before its entity is asked, is said here.

import type { Catalog } from "../core/catalog.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError } from "../core/errors.ts";
import { copyJson, type Json, JsonProblem, typeOf } from "../core/json.ts";
import type { GetOptions, SendOptions } from "../core/options.ts";
import { parseReference, type Reference } from "../core/reference.ts";
import { check, describeIssues } from "../core/schema.ts";
import type { Order } from "./envelope.ts";
import { fingerprint } from "./fingerprint.ts";
import {
  type OptionRules,
  readAnswer,
  readExpected,
  readGetOptions,
  readPlace,
  readQuery,
  readSendOptions,
  readTimeout,
} from "./read-options.ts";

export interface SealRules extends OptionRules {
  readonly catalog: Catalog;
  /** Bytes of JSON that a message may have. */
  readonly maxMessageBytes: number;
}

/** @throws PachydermError INVALID_REFERENCE, UNKNOWN_TYPE, INVALID_MESSAGE, TOO_LARGE, INVALID_OPTIONS, INVALID_CURSOR */
export function sealMessage(
  reference: unknown,
  message: unknown,
  options: SendOptions | undefined,
  messageId: string,
  now: number,
  rules: SealRules,
): Order {
  const to = parseReference(reference);
  const definition = definitionOf(to, rules.catalog);
  const given = readSendOptions(options);
  const copy = copyMessage(message, rules.maxMessageBytes);
  const { idempotencyKey = null } = given;
  return {
    reference: to,
    definition,
    deadline: now + readTimeout(given.timeoutMs, rules),
    message: fitMessage(definition, copy, rules.maxMessageBytes),
    messageId,
    idempotencyKey,
    hash: idempotencyKey === null ? "" : fingerprint(copy),
    expected: given.expected === undefined ? null : readExpected(given.expected, to, rules),
    retry: given.retry !== false,
    config: given.config,
    answer: readAnswer(given.answer, definition),
    queryArgs: given.args,
    stale: false,
  };
}

/** @throws PachydermError INVALID_REFERENCE, UNKNOWN_TYPE, INVALID_OPTIONS, INVALID_CURSOR */
export function sealGet(
  reference: unknown,
  query: string | undefined,
  args: unknown,
  options: GetOptions | undefined,
  now: number,
  rules: SealRules,
): Order {
  const to = parseReference(reference);
  const definition = definitionOf(to, rules.catalog);
  const given = readGetOptions(options);
  return {
    reference: to,
    definition,
    deadline: now + readTimeout(given.timeoutMs, rules),
    message: undefined,
    messageId: "",
    idempotencyKey: null,
    hash: "",
    expected: given.atLeast === undefined ? null : readPlace(given.atLeast, to, rules.network),
    retry: true,
    config: undefined,
    answer: query === undefined ? "state" : readQuery(query, definition),
    queryArgs: args,
    stale: given.stale === true,
  };
}

function definitionOf({ type }: Reference, catalog: Catalog): AnyEntity {
  const definition = catalog.entity(type);
  if (definition !== undefined) return definition;
  const known = catalog.types.join(", ") || "none";
  throw new PachydermError(
    "UNKNOWN_TYPE",
    `no entity of the type ${type} is defined here (there are: ${known})`,
  );
}

function copyMessage(message: unknown, maxBytes: number): Json {
  let copy: Json;
  try {
    copy = copyJson(message, maxBytes);
  } catch (thrown) {
    throw messageError(thrown);
  }
  if (typeOf(copy) === undefined)
    throw invalidMessage([], "a message is an object with a type that is text and not empty");
  return copy;
}

function messageError(thrown: unknown): PachydermError {
  if (!(thrown instanceof JsonProblem)) {
    // A getter or a proxy of the caller's threw while the message was read.
    return new PachydermError("INVALID_MESSAGE", "the message cannot be read: a property of it throws", {
      cause: thrown,
    });
  }
  if (thrown.tooLarge) return new PachydermError("TOO_LARGE", `the message has ${thrown.message}`);
  return invalidMessage(thrown.path, thrown.message);
}

function fitMessage(definition: AnyEntity, copy: Json, maxBytes: number): Json {
  if (definition.message === undefined) return copy;
  const checked = check(definition.message, copy);
  // What a schema makes of the message (defaults, transforms) is handled, so it must be plain JSON again.
  if (checked.kind === "fits") return copyMessage(checked.value, maxBytes);
  const message = `the message does not fit its schema: ${describeIssues(checked.issues)}`;
  throw new PachydermError("INVALID_MESSAGE", message, { detail: { issues: checked.issues } });
}

function invalidMessage(path: readonly (string | number)[], message: string): PachydermError {
  const where = path.length === 0 ? "" : ` at ${path.join(".")}`;
  return new PachydermError("INVALID_MESSAGE", `the message is not sound${where}: ${message}`, {
    detail: { issues: [{ path, message }] },
  });
}
