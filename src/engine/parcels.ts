// What goes from node to node, and comes back. Golden files in test/golden hold every form ever written. What is the
// user's goes as JSON text: so it is bounded, checked and read in the ways that all other JSON is.

import type { Place } from "../core/cursor.ts";
import { type ErrorCode, errorTable, type Outcome, PachydermError } from "../core/errors.ts";
import { copyJson, freezeState, type Json, parseJson } from "../core/json.ts";
import { parseReference } from "../core/reference.ts";
import type { Firing } from "../core/timer.ts";
import type { Parcel } from "../ports/transport.ts";
import type { Answer, Arrival, Sealed } from "./envelope.ts";
import { fingerprint } from "./fingerprint.ts";
import { isKey } from "./read-options.ts";

/** It stands in the records, between spaces. */
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const NO_ID = /^$/;
/** A message cannot be waited for longer, whatever its sender says: a day. */
const MOST_LEFT_MS = 86_400_000;

/** Raised by every change of the forms below: nodes of another version refuse each other in words. */
export const PROTOCOL = 1;

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
  const { reference, message, expected, answer, config, queryArgs } = sealed;
  return [
    reference.type,
    reference.id,
    message === undefined ? null : JSON.stringify(message),
    sealed.messageId,
    sealed.sentAt,
    attempt,
    hops,
    leftMs,
    sealed.idempotencyKey,
    typeof expected === "object" && expected !== null ? `${expected.version}.${expected.commitId}` : expected,
    sealed.retry,
    sealed.stale,
    typeof answer === "string" ? answer : `?${answer.query}`,
    config === undefined ? null : JSON.stringify(config),
    queryArgs === undefined ? null : JSON.stringify(queryArgs),
    sealed.destroys,
    sealed.tellUntil,
    ...(sealed.firing === null ? [] : writeFiring(sealed.firing)),
  ];
}

/** Behind the rest of a message that a timer sends. */
function writeFiring({ name, generation, dueAt, lateMs, missed, every }: Firing): Parcel {
  return [name, generation, dueAt, lateMs, missed, every];
}

function readFiring(read: Reader): Firing | null {
  if (read.isAtEnd) return null;
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
 * @param now monotonic ms
 * @throws Error if it is no question; PachydermError TOO_LARGE is said of what is too long
 */
export function readQuestion(parcel: Parcel, now: number, maxBytes: number): Question {
  const read = new Reader(parcel);
  const reference = parseReference({ type: read.text(), id: read.text() });
  const messageText = read.textOrNull();
  const message = messageText === null ? undefined : copyJson(JSON.parse(messageText), maxBytes);
  const messageId = read.match(message === undefined ? NO_ID : ID);
  const sentAt = read.count();
  const attempt = read.count();
  const hops = read.count();
  const leftMs = Math.min(MOST_LEFT_MS, Math.max(0, read.number()));
  const idempotencyKey = read.key();
  const expected = readExpected(read.next(), reference.id);
  const retry = read.flag();
  const stale = read.flag();
  const answer = read.answer();
  const config = read.given(maxBytes);
  const queryArgs = read.given(maxBytes);
  const destroys = read.flag();
  const tellUntil = read.countOrNull();
  const firing = readFiring(read);
  const sealed: Sealed = {
    reference,
    deadline: now + leftMs,
    sentAt,
    message,
    messageId,
    idempotencyKey,
    tellUntil,
    hash: idempotencyKey === null || message === undefined ? "" : fingerprint(message),
    expected,
    retry,
    config,
    answer,
    queryArgs,
    stale,
    firing,
    destroys,
    repairs: false,
  };
  return { sealed, attempt, hops, leftMs };
}

export function writeOk(answer: Answer, recorded: boolean): Parcel {
  const { version, commitId, handledVersion, reply, duplicate, value } = answer;
  return [
    "ok",
    version,
    commitId,
    handledVersion,
    reply === null ? null : JSON.stringify(reply),
    duplicate,
    value === undefined ? null : JSON.stringify(value),
    recorded,
  ];
}

export function writeError(error: PachydermError, recorded: boolean): Parcel {
  const { code, message, outcome, detail } = error;
  return ["error", code, message, outcome, detail === undefined ? null : textOf(detail), recorded];
}

export function writeNotTaken(why: NotTaken, to: string | null): Parcel {
  return ["not-taken", why, to];
}

export const LET_GO: Parcel = ["let-go"];

/** @throws Error if it is no reply */
export function readReply(parcel: Parcel): Reply {
  const read = new Reader(parcel);
  const kind = read.text();
  switch (kind) {
    case "ok": {
      const version = read.number();
      const commitId = read.text();
      const handledVersion = read.number();
      const reply = (read.json() ?? null) as Json;
      const duplicate = read.flag();
      const value = read.json();
      freezeState(value ?? null); // a sender gets what it would get of its own node
      return {
        kind,
        answer: { version, commitId, handledVersion, reply, duplicate, value },
        recorded: read.flag(),
      };
    }
    case "error": {
      const code = read.text();
      const message = read.text();
      const outcome: Outcome = read.text() === "unknown" ? "unknown" : "not-committed";
      const detail = read.json();
      // A node of a later version may know codes that this one does not.
      const known: ErrorCode = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "HANDLER_FAILED";
      return { kind, error: new PachydermError(known, message, { outcome, detail }), recorded: read.flag() };
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
function textOf(detail: unknown): string {
  try {
    return JSON.stringify(detail) ?? "null";
  } catch {
    return "null"; // the code and the sentence say what matters
  }
}

function readExpected(value: Parcel[number], id: string): number | Place | null {
  if (value === null) return null;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  const parts = typeof value === "string" ? /^(\d+)\.([A-Za-z0-9_-]{0,64})$/.exec(value) : null;
  if (parts === null) throw new Error("there is no such expectation");
  return { id, version: Number(parts[1]), commitId: parts[2] ?? "" };
}

/** Takes a parcel apart, in order, and refuses what is not of the form that stands there. */
class Reader {
  readonly #parcel: Parcel;
  #at = 0;

  constructor(parcel: Parcel) {
    this.#parcel = parcel;
  }

  next(): Parcel[number] {
    const value = this.#parcel[this.#at];
    if (value === undefined) throw new Error(`part ${this.#at} is missing`);
    this.#at += 1;
    return value;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#parcel.length;
  }

  text(): string {
    const value = this.next();
    return typeof value === "string" ? value : this.#refuse("text");
  }

  number(): number {
    const value = this.next();
    return typeof value === "number" && Number.isFinite(value) ? value : this.#refuse("a number");
  }

  /** A whole number from 0 on. */
  count(): number {
    const value = this.number();
    return Number.isSafeInteger(value) && value >= 0 ? value : this.#refuse("a whole number");
  }

  countOrNull(): number | null {
    if (this.#parcel[this.#at] !== null) return this.count();
    this.#at += 1;
    return null;
  }

  match(form: RegExp): string {
    const text = this.text();
    return form.test(text) ? text : this.#refuse(`of the form ${form.source}`);
  }

  flag(): boolean {
    const value = this.next();
    return typeof value === "boolean" ? value : this.#refuse("true or false");
  }

  /** A caller's key stands in the name of a key of Redis: what a sender checks, its receiver checks too. */
  key(): string | null {
    const text = this.textOrNull();
    if (text === null || isKey(text)) return text;
    return this.#refuse("a key");
  }

  answer(): Sealed["answer"] {
    const text = this.text();
    if (text === "state" || text === "none") return text;
    return text.startsWith("?") ? { query: text.slice(1) } : this.#refuse("what an answer can be");
  }

  textOrNull(): string | null {
    const value = this.next();
    return value === null || typeof value === "string" ? value : this.#refuse("text or null");
  }

  /** Undefined where nothing was given. */
  json(): Json | undefined {
    const text = this.textOrNull();
    return text === null ? undefined : parseJson(text);
  }

  /** What a sender gave along: bounded as it was there, in bytes and in depth. */
  given(maxBytes: number): Json | undefined {
    const text = this.textOrNull();
    return text === null ? undefined : copyJson(JSON.parse(text), maxBytes);
  }

  #refuse(what: string): never {
    throw new Error(`part ${this.#at - 1} is not ${what}`);
  }
}
