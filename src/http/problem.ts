// Errors as HTTP tells them: problem documents (RFC 9457), one table from code to status. docs/http.md is held to it.

import { type ErrorCode, errorTable, type Outcome, type PachydermError } from "../core/errors.ts";

/** The status of every error. */
export const statusOf: Readonly<Record<ErrorCode, number>> = {
  INVALID_REFERENCE: 400,
  INVALID_MESSAGE: 400,
  INVALID_OPTIONS: 400,
  INVALID_CURSOR: 400,
  UNAUTHORIZED: 401,
  UNKNOWN_TYPE: 404,
  WRONG_TYPE: 409,
  CONFLICT: 409,
  KEY_REUSED: 409,
  LOG_DIVERGED: 409,
  DESTROYED: 410,
  EXPECTED_MISMATCH: 412,
  TOO_LARGE: 413,
  REJECTED: 422,
  MAILBOX_FULL: 429,
  HANDLER_FAILED: 500,
  UNREADABLE_EVENT: 500,
  CONFIG_MISMATCH: 500,
  UNSUPPORTED_REDIS: 500,
  NODE_STOPPING: 503,
  NO_OWNER: 503,
  STORE_UNAVAILABLE: 503,
  VIEW_NOT_BUILT: 503,
  DEADLINE_EXCEEDED: 504,
};

/** What is wrong with a request as HTTP, before it is anything of Pachyderm's. */
export const doorTable = {
  BAD_REQUEST: { status: 400, meaning: "the request is not sound HTTP" },
  NO_ROUTE: { status: 404, meaning: "there is nothing at this path" },
  NO_EFFECT: { status: 404, meaning: "no durable effect with this id has failed" },
  NO_ROW: { status: 404, meaning: "the entity has no row in this view" },
  METHOD_NOT_ALLOWED: { status: 405, meaning: "the path does not take this method" },
  NOT_ACCEPTABLE: { status: 406, meaning: "the answer is not to be had in this form" },
  REQUEST_TIMEOUT: { status: 408, meaning: "the request took too long to arrive" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, meaning: "the message is not sent as application/json" },
  HEADERS_TOO_LARGE: { status: 431, meaning: "the request has too many bytes of headers" },
  INTERNAL: { status: 500, meaning: "the node failed at it; its log says why" },
} as const satisfies Record<string, { readonly status: number; readonly meaning: string }>;

export type DoorCode = keyof typeof doorTable;

/** Seconds after which it is worth trying again, for what passes by itself. */
const RETRY_AFTER = 1;
const PASSING = new Set([429, 503]);

export interface Problem {
  readonly type: string;
  /** The same for every problem of this code. */
  readonly title: string;
  readonly status: number;
  /** This one, in a sentence. */
  readonly detail: string;
  readonly code: ErrorCode | DoorCode;
  /** What became of the message, where there was one. */
  readonly outcome: Outcome;
  readonly retryable: boolean;
  /** For programs: the error's own `detail`, such as the entity's `{ code, detail }` of `REJECTED`. */
  readonly data?: unknown;
}

export const PROBLEM_TYPE = "application/problem+json";

/** Never the stack, nor the cause. */
export function problemOf({ code, message, outcome, retryable, detail }: PachydermError): Problem {
  const title = errorTable[code].meaning;
  const problem = {
    type: typeOf(code),
    title,
    status: statusOf[code],
    detail: message,
    code,
    outcome,
    retryable,
  };
  return detail === undefined ? problem : { ...problem, data: detail };
}

/** @param outcome `not-committed` unless the request had gone beyond the door */
export function doorProblem(code: DoorCode, detail: string, outcome: Outcome = "not-committed"): Problem {
  const { status, meaning: title } = doorTable[code];
  const retryable = code === "REQUEST_TIMEOUT" || code === "INTERNAL";
  return { type: typeOf(code), title, status, detail, code, outcome, retryable };
}

/** The headers that a problem of this status comes with. */
export function headersOf({ status }: Problem): Readonly<Record<string, string>> {
  return {
    "content-type": PROBLEM_TYPE,
    ...(PASSING.has(status) ? { "retry-after": String(RETRY_AFTER) } : {}),
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
  };
}

/** Names the code, and leads nowhere: docs/errors.md and docs/http.md explain it. */
function typeOf(code: string): string {
  return `urn:pachyderm:error:${code}`;
}
