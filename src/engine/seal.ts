// First step of a send (after: mailbox.ts): from whatever the caller gave to what nobody can
// change any more. `seal` says all that can be said where the message is sent; `open` what takes the entity's
// definition, where that is.

import type { Catalog } from "../core/catalog.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError } from "../core/errors.ts";
import { copyJson, type Json, JsonProblem, problemText, typeOf } from "../core/json.ts";
import type { DestroyOptions, GetOptions, SendOptions } from "../core/options.ts";
import { parseReference, type Reference } from "../core/reference.ts";
import { check, describeIssues } from "../core/schema.ts";
import type { Firing } from "../core/timer.ts";
import type { Arrival, Order, Sealed } from "./envelope.ts";
import { fingerprint } from "./fingerprint.ts";
import {
  checkQuery,
  type OptionRules,
  readAnswer,
  readDestroyOptions,
  readExpected,
  readGetOptions,
  readPlace,
  readSendOptions,
  readTimeout,
} from "./read-options.ts";

export interface SealRules extends OptionRules {
  readonly catalog: Catalog;
  /** Bytes of JSON that a message may have. */
  readonly maxMessageBytes: number;
  /** Whether it may go to another node: then all of it must be plain JSON. */
  readonly clustered: boolean;
}

/** What tells one sealing from another. */
export interface SealStamp {
  readonly messageId: string;
  /** Monotonic ms. */
  readonly now: number;
  /** Epoch ms by the store's clock. */
  readonly sentAt: number;
}

/** @throws PachydermError INVALID_REFERENCE, INVALID_MESSAGE, TOO_LARGE, INVALID_OPTIONS, INVALID_CURSOR */
export function sealMessage(
  reference: unknown,
  message: unknown,
  options: SendOptions | undefined,
  { messageId, now, sentAt }: SealStamp,
  rules: SealRules,
): Sealed {
  const to = parseReference(reference);
  const given = readSendOptions(options);
  const copy = copyMessage(message, rules.maxMessageBytes);
  const { idempotencyKey = null } = given;
  return {
    reference: to,
    deadline: now + readTimeout(given.timeoutMs, rules),
    sentAt,
    message: copy,
    messageId,
    idempotencyKey,
    tellUntil: null,
    hash: idempotencyKey === null ? "" : fingerprint(copy),
    expected: given.expected === undefined ? null : readExpected(given.expected, to, rules),
    retry: given.retry !== false,
    config: readJson("config", given.config, rules),
    answer: readAnswer(given.answer),
    queryArgs: readJson("args", given.args, rules),
    stale: false,
    firing: null,
    destroys: false,
    repairs: false,
  };
}

/** @throws PachydermError INVALID_REFERENCE, INVALID_OPTIONS, INVALID_CURSOR */
export function sealGet(
  reference: unknown,
  query: string | undefined,
  args: unknown,
  options: GetOptions | undefined,
  { now, sentAt }: Omit<SealStamp, "messageId">,
  rules: SealRules,
): Sealed {
  const to = parseReference(reference);
  const given = readGetOptions(options);
  return {
    reference: to,
    deadline: now + readTimeout(given.timeoutMs, rules),
    sentAt,
    message: undefined,
    messageId: "",
    idempotencyKey: null,
    tellUntil: null,
    hash: "",
    expected: given.atLeast === undefined ? null : readPlace(given.atLeast, to, rules.network),
    retry: true,
    config: undefined,
    answer: query === undefined ? "state" : { query },
    queryArgs: readJson("args", args, rules),
    stale: given.stale === true,
    firing: null,
    destroys: false,
    repairs: false,
  };
}

/** A timer's message, as its owner reads it. @throws JsonProblem, SyntaxError if it cannot be read */
export function sealFiring(
  reference: Reference,
  message: string,
  firing: Firing,
  { now, sentAt }: Omit<SealStamp, "messageId">,
  { timeoutMs, maxMessageBytes }: SealRules,
): Sealed {
  return {
    reference,
    deadline: now + timeoutMs,
    sentAt,
    message: copyJson(JSON.parse(message), maxMessageBytes),
    // The same whoever fires it: a commit that lost to another one's finds the message among the records it missed.
    messageId: `${firing.generation}-${firing.dueAt.toString(36)}`,
    idempotencyKey: null,
    tellUntil: null,
    hash: "",
    expected: null,
    retry: true,
    config: undefined,
    answer: "none",
    queryArgs: undefined,
    stale: false,
    firing,
    destroys: false,
    repairs: false,
  };
}

/** @throws PachydermError INVALID_REFERENCE, INVALID_OPTIONS */
export function sealDestroy(
  reference: unknown,
  options: DestroyOptions | undefined,
  { messageId, now, sentAt }: SealStamp,
  rules: SealRules,
): Sealed {
  const to = parseReference(reference);
  const { timeoutMs } = readDestroyOptions(options);
  return {
    reference: to,
    deadline: now + readTimeout(timeoutMs, rules),
    sentAt,
    message: DESTROY,
    messageId,
    idempotencyKey: null,
    tellUntil: null,
    hash: "",
    expected: null,
    retry: true,
    config: undefined,
    answer: "none",
    queryArgs: undefined,
    stale: false,
    destroys: true,
    repairs: false,
    firing: null,
  };
}

/** Has the rows of the entity's views written as they should be. */
export function sealRepair(reference: Reference, deadline: number): Sealed {
  return {
    reference,
    deadline,
    sentAt: 0,
    message: undefined,
    messageId: "",
    idempotencyKey: null,
    tellUntil: null,
    hash: "",
    expected: null,
    retry: true,
    config: undefined,
    answer: "none",
    queryArgs: undefined,
    stale: false,
    firing: null,
    destroys: false,
    repairs: true,
  };
}

/** What stands where a message would: no entity's code sees it. */
const DESTROY: Json = { type: "$destroy" };

/**
 * Where the entity is hosted: its definition, and what that says of the message.
 * @throws PachydermError UNKNOWN_TYPE, INVALID_MESSAGE, TOO_LARGE, INVALID_OPTIONS
 */
export function open(sealed: Sealed, { attempt, crossed }: Arrival, rules: SealRules): Order {
  const { reference, message, answer, firing } = sealed;
  const definition = definitionOf(reference, rules.catalog);
  if (typeof answer === "object") checkQuery(answer.query, definition);
  return {
    reference,
    definition,
    // Of a firing the commit checks the timer itself, which no attempt can do twice: so there is nothing to look for.
    attempt: firing === null ? attempt : 1,
    crossed: firing === null && crossed,
    deadline: sealed.deadline,
    sentAt: sealed.sentAt,
    message:
      message === undefined || sealed.destroys
        ? message
        : fitMessage(definition, message, rules.maxMessageBytes),
    messageId: sealed.messageId,
    idempotencyKey: sealed.idempotencyKey,
    tellUntil: sealed.tellUntil,
    hash: sealed.hash,
    expected: sealed.expected,
    retry: sealed.retry,
    config: sealed.config,
    answer,
    queryArgs: sealed.queryArgs,
    stale: sealed.stale,
    firing,
    destroys: sealed.destroys,
    repairs: sealed.repairs,
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

/** What goes along with a message: the caller's own object, unless it may go to another node. */
function readJson(name: string, value: unknown, { clustered, maxMessageBytes }: SealRules): unknown {
  if (!clustered || value === undefined) return value;
  try {
    return copyJson(value, maxMessageBytes);
  } catch (thrown) {
    const message = `in a cluster ${name} is plain JSON: ${problemText(thrown)}`;
    throw new PachydermError("INVALID_OPTIONS", message, { cause: thrown });
  }
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
