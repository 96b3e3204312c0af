// The one table of error codes, and the one error class. `docs/errors.md` is held to this table by a test.

/** What became of the message: `not-committed` is certain; `unknown` means that it may have been handled. */
export type Outcome = "not-committed" | "unknown";

interface CodeFacts {
  /** Whether the same call may succeed later without anything being mended. */
  readonly retryable: boolean;
  /** `either`: the thrower must say which; `not-committed`: always `not-committed`. */
  readonly outcome: "not-committed" | "either";
  readonly meaning: string;
}

/** Every code, with what holds for all errors of it. docs/errors.md says what to do about each. */
export const errorTable = {
  INVALID_REFERENCE: fact(false, "not-committed", "the reference is not { type, id } with a UUID as id"),
  INVALID_MESSAGE: fact(
    false,
    "either",
    "the message is not plain JSON with a type, or its schema refuses it",
  ),
  INVALID_OPTIONS: fact(false, "either", "an option or a definition is not of the form that it must have"),
  INVALID_CURSOR: fact(
    false,
    "not-committed",
    "the cursor is malformed, of another network, or does not fit here",
  ),
  UNKNOWN_TYPE: fact(false, "not-committed", "no entity of this type is defined here"),
  WRONG_TYPE: fact(false, "either", "the entity exists under another type"),
  DESTROYED: fact(false, "either", "the entity was destroyed"),
  REJECTED: fact(false, "not-committed", "the entity rejected the message"),
  HANDLER_FAILED: fact(false, "either", "handle, update, a query or the decision that they made is faulty"),
  CONFLICT: fact(true, "either", "another commit came first, and retry is false"),
  EXPECTED_MISMATCH: fact(false, "not-committed", "the entity is not at the expected version or cursor"),
  KEY_REUSED: fact(false, "not-committed", "the idempotency key was used with another message"),
  MAILBOX_FULL: fact(true, "either", "the entity has too many messages waiting"),
  DEADLINE_EXCEEDED: fact(true, "either", "the deadline of the send passed"),
  NODE_STOPPING: fact(true, "either", "this node is stopping"),
  NO_OWNER: fact(true, "either", "no live node hosts this type"),
  STORE_UNAVAILABLE: fact(true, "either", "Redis did not answer, or refused"),
  LOG_DIVERGED: fact(false, "not-committed", "the log no longer holds what the cursor names"),
  VIEW_NOT_BUILT: fact(true, "not-committed", "the rows of this view are being made"),
  UNREADABLE_EVENT: fact(false, "either", "a stored record, snapshot or receipt cannot be read"),
  TOO_LARGE: fact(false, "either", "the message, or what it yields, is over the limit"),
  UNAUTHORIZED: fact(false, "not-committed", "the credentials were refused"),
  CONFIG_MISMATCH: fact(
    false,
    "not-committed",
    "the settings differ from those that the network was made with",
  ),
  UNSUPPORTED_REDIS: fact(
    false,
    "not-committed",
    "this Redis cannot keep the promises; the message says what to change",
  ),
} as const satisfies Record<string, CodeFacts>;

function fact(retryable: boolean, outcome: CodeFacts["outcome"], meaning: string): CodeFacts {
  return { retryable, outcome, meaning };
}

/** A code of {@link errorTable}. A code that was published stays. */
export type ErrorCode = keyof typeof errorTable;

export interface ErrorExtras {
  /** What became of the message; `not-committed` unless given. */
  readonly outcome?: Outcome;
  /** More for programs: for `REJECTED` the entity's `{ code, detail }`, for `INVALID_MESSAGE` the `issues`. */
  readonly detail?: unknown;
  readonly cause?: unknown;
}

const brand = Symbol.for("pachyderm.error");

/**
 * The one class of error that Pachyderm throws. `instanceof` holds across two copies of the package in one
 * process, because it asks for a registered symbol and not for the prototype.
 */
export class PachydermError extends Error {
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  /** Whether the same call may succeed later without anything being mended. */
  readonly retryable: boolean;
  readonly detail: unknown;

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.code = code;
    this.outcome = extras.outcome ?? "not-committed";
    this.retryable = errorTable[code].retryable;
    this.detail = extras.detail;
  }

  override get name(): string {
    return "PachydermError";
  }

  get [brand](): true {
    return true;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }

  /** For logs and problem documents: no stack, no cause. */
  toJSON(): { code: ErrorCode; outcome: Outcome; retryable: boolean; message: string; detail: unknown } {
    const { code, outcome, retryable, message, detail } = this;
    return { code, outcome, retryable, message, detail };
  }
}

/** The text of whatever was thrown, for a sentence. */
export function reasonOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return "something that has no text"; // an object whose toString throws: there is nothing more to say of it
  }
}
