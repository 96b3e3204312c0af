// What a sender may say in headers, as the options of a send.

import type { IncomingHttpHeaders } from "node:http";
import { PachydermError } from "../core/errors.ts";
import type { SendOptions } from "../core/options.ts";

/** Whether the answer may be without the state: `Prefer: return=minimal` (RFC 7240). */
export function isMinimal(headers: IncomingHttpHeaders): boolean {
  const prefer = textOf(headers["prefer"]) ?? "";
  return prefer.split(/[,;]/).some((one) => /^\s*return\s*=\s*"?minimal"?\s*$/i.test(one));
}

/** @throws PachydermError INVALID_CURSOR */
export function sendOptionsOf(headers: IncomingHttpHeaders): SendOptions<"state" | "none"> {
  const idempotencyKey = textOf(headers["idempotency-key"]);
  const ifMatch = headers["if-match"];
  return {
    answer: isMinimal(headers) ? "none" : "state",
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(ifMatch === undefined ? {} : { expected: readIfMatch(ifMatch) }),
  };
}

/**
 * RFC 9110, 13.1.1, of which one form is taken: the one ETag of an answer. `*` and lists would ask another question than
 * `expected` does, and a weak tag never matches.
 */
function readIfMatch(value: string): string {
  const [, cursor] = /^\s*"([^"]*)"\s*$/.exec(value) ?? [];
  if (cursor !== undefined) return cursor;
  const message =
    'If-Match takes one ETag as an answer gave it, in its quotes: neither * nor a list, nor a weak one (W/"…")';
  throw new PachydermError("INVALID_CURSOR", message);
}

/** Node joins what is sent twice. */
function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(", ") : value;
}
