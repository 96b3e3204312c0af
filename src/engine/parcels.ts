// What goes from node to node, and comes back. A golden file in test/golden holds the form. It is plain JSON: what is the
// user's stands in it as it is, and is bounded, checked and frozen as all other JSON is, in one walk.

import type { Place } from "../core/cursor.ts";
import { type ErrorCode, errorTable, type Outcome, PachydermError } from "../core/errors.ts";
import { adoptJson, type Json } from "../core/json.ts";
import type { Firing } from "../core/timer.ts";
import type { Parcel } from "../ports/transport.ts";
import type { Answer, Arrival, Sealed } from "./envelope.ts";
import { fingerprint } from "./fingerprint.ts";
import { KnownReferences } from "./known-references.ts";
import { ID, NO_ID, ParcelReader } from "./parcel-reader.ts";

/** A message cannot be waited for longer, whatever its sender says: a day. */
const MOST_LEFT_MS = 86_400_000;
/** What another node has made was bounded there. */
const ANY_BYTES = Number.MAX_SAFE_INTEGER;

/** Raised by every change of the forms below: nodes of another version refuse each other in words. */
export const PROTOCOL = 2;

/** How a question came to be asked. */
export interface Passage extends Pick<Arrival, "attempt"> {
  /** How often it was turned away before: a node that is asked after some of them takes it whatever it knows. */
  readonly hops: number;
  /** Milliseconds that its sender still waits. */
  readonly leftMs: number;
}

export interface Question extends Passage {
  readonly sealed: Sealed;
}

/** Why a node did not take a message: for certain nothing was done with it. */
export type NotTaken = "moved" | "unhosted" | "stopping" | "detached";

export type Reply =
  | { readonly kind: "ok"; readonly answer: Answer; readonly recorded: boolean }
  | { readonly kind: "error"; readonly error: PachydermError; readonly recorded: boolean }
  /** `to`: the node that has the partition, as the other one knows. */
  | { readonly kind: "not-taken"; readonly why: NotTaken; readonly to: string | null }
  /** It was taken, and perhaps begun, and what becomes of it the node cannot tell: as if it had fallen silent. */
  | { readonly kind: "let-go" };

export function writeQuestion(sealed: Sealed, { attempt, hops, leftMs }: Passage): Parcel {
  const { reference, message = null, messageId, sentAt } = sealed;
  return [
    reference.type,
    reference.id,
    message,
    messageId,
    sentAt,
    attempt,
    hops,
    leftMs,
    isPlain(sealed) ? null : writeWishes(sealed),
  ];
}

/** What most messages leave as it is, and what each reader takes for said where nothing is. */
type Wishes = Pick<
  Sealed,
  | "idempotencyKey"
  | "expected"
  | "retry"
  | "stale"
  | "answer"
  | "config"
  | "queryArgs"
  | "destroys"
  | "tellUntil"
  | "firing"
>;

const PLAIN: Wishes = {
  idempotencyKey: null,
  expected: null,
  retry: true,
  stale: false,
  answer: "state",
  config: undefined,
  queryArgs: undefined,
  destroys: false,
  tellUntil: null,
  firing: null,
};

function isPlain(sealed: Sealed): boolean {
  return (
    sealed.answer === "state" &&
    sealed.retry &&
    sealed.idempotencyKey === null &&
    sealed.expected === null &&
    sealed.config === undefined &&
    sealed.queryArgs === undefined &&
    sealed.firing === null &&
    sealed.tellUntil === null &&
    !sealed.stale &&
    !sealed.destroys
  );
}

function writeWishes(sealed: Sealed): Parcel {
  const { expected, answer, config, queryArgs, firing } = sealed;
  return [
    sealed.idempotencyKey,
    typeof expected === "object" && expected !== null ? `${expected.version}.${expected.commitId}` : expected,
    sealed.retry,
    sealed.stale,
    typeof answer === "string" ? answer : `?${answer.query}`,
    config === undefined ? null : [config as Json], // in a cluster all that goes along is plain JSON: seal.ts
    queryArgs === undefined ? null : [queryArgs as Json],
    sealed.destroys,
    sealed.tellUntil,
    firing === null ? null : writeFiring(firing),
  ];
}

function writeFiring({ name, generation, dueAt, lateMs, missed, every }: Firing): Parcel {
  return [name, generation, dueAt, lateMs, missed, every];
}

function readFiring(list: Parcel | null): Firing | null {
  if (list === null) return null;
  const read = new ParcelReader(list);
  return {
    name: read.text(),
    generation: read.match(ID),
    dueAt: read.count(),
    lateMs: read.count(),
    missed: read.count(),
    every: read.countOrNull(),
  };
}

/**
 * What is the user's in it is frozen from now on: whoever gives it has no other use for it.
 *
 * @param now monotonic ms
 * @throws Error if it is no question; PachydermError TOO_LARGE is said of what is too long
 */
export function readQuestion(
  parcel: Parcel,
  now: number,
  maxBytes: number,
  references = new KnownReferences(),
): Question {
  const read = new ParcelReader(parcel);
  const reference = references.parse(read.text(), read.text());
  const given = read.next();
  const message = given === null ? undefined : adoptJson(given, maxBytes);
  const messageId = read.match(message === undefined ? NO_ID : ID);
  const sentAt = read.count();
  const attempt = read.count();
  const hops = read.count();
  const leftMs = Math.min(MOST_LEFT_MS, Math.max(0, read.number()));
  const list = read.listOrNull();
  const wishes = list === null ? PLAIN : readWishes(list, reference.id, maxBytes);
  const { idempotencyKey } = wishes;
  const sealed: Sealed = {
    reference,
    deadline: now + leftMs,
    sentAt,
    message,
    messageId,
    idempotencyKey,
    tellUntil: wishes.tellUntil,
    hash: idempotencyKey === null || message === undefined ? "" : fingerprint(message),
    expected: wishes.expected,
    retry: wishes.retry,
    config: wishes.config,
    answer: wishes.answer,
    queryArgs: wishes.queryArgs,
    stale: wishes.stale,
    firing: wishes.firing,
    destroys: wishes.destroys,
    repairs: false,
  };
  return { sealed, attempt, hops, leftMs };
}

function readWishes(list: Parcel, id: string, maxBytes: number): Wishes {
  const read = new ParcelReader(list);
  return {
    idempotencyKey: read.key(),
    expected: readExpected(read.next(), id),
    retry: read.flag(),
    stale: read.flag(),
    answer: read.answer(),
    config: read.given(maxBytes),
    queryArgs: read.given(maxBytes),
    destroys: read.flag(),
    tellUntil: read.countOrNull(),
    firing: readFiring(read.listOrNull()),
  };
}

/** @param answer its value and reply are plain JSON */
export function writeOk(answer: Answer, recorded: boolean): Parcel {
  const { version, commitId, handledVersion, reply, duplicate, value } = answer;
  const parcel: Json[] = ["ok", recorded, version, commitId, handledVersion, duplicate, reply];
  if (value !== undefined) parcel.push(value as Json);
  return parcel;
}

export function writeError(error: PachydermError, recorded: boolean): Parcel {
  const { code, message, outcome, detail } = error;
  const parcel: Json[] = ["error", recorded, code, message, outcome];
  if (detail !== undefined) parcel.push(plainOf(detail));
  return parcel;
}

export function writeNotTaken(why: NotTaken, to: string | null): Parcel {
  return ["not-taken", why, to];
}

export const LET_GO: Parcel = ["let-go"];

/** What is the user's in it is frozen from now on: a sender gets what it would get of its own node. @throws Error if it is no reply */
export function readReply(parcel: Parcel): Reply {
  const read = new ParcelReader(parcel);
  const kind = read.text();
  switch (kind) {
    case "ok": {
      const recorded = read.flag();
      const version = read.number();
      const commitId = read.text();
      const handledVersion = read.number();
      const duplicate = read.flag();
      const reply = adoptJson(read.next(), ANY_BYTES);
      const value = read.isAtEnd ? undefined : adoptJson(read.next(), ANY_BYTES);
      return { kind, answer: { version, commitId, handledVersion, reply, duplicate, value }, recorded };
    }
    case "error": {
      const recorded = read.flag();
      const code = read.text();
      const message = read.text();
      const outcome: Outcome = read.text() === "unknown" ? "unknown" : "not-committed";
      const detail = read.isAtEnd ? undefined : adoptJson(read.next(), ANY_BYTES);
      // A node of a later version may know codes that this one does not.
      const known: ErrorCode = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "HANDLER_FAILED";
      return { kind, error: new PachydermError(known, message, { outcome, detail }), recorded };
    }
    case "not-taken":
      return { kind, why: read.text() as NotTaken, to: read.textOrNull() };
    case "let-go":
      return { kind };
    default:
      throw new Error(`there is no reply ${kind}`);
  }
}

/** Detail is plain JSON by construction, but for what a caller's own schema put into its issues. */
function plainOf(detail: unknown): Json {
  try {
    return JSON.parse(JSON.stringify(detail) ?? "null") as Json;
  } catch {
    return null; // the code and the sentence say what matters
  }
}

function readExpected(value: Json, id: string): number | Place | null {
  if (value === null) return null;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  const parts = typeof value === "string" ? /^(\d+)\.([A-Za-z0-9_-]{0,64})$/.exec(value) : null;
  if (parts === null) throw new Error("there is no such expectation");
  return { id, version: Number(parts[1]), commitId: parts[2] ?? "" };
}
