// How much the door takes, and how long it waits for what is slow.

import { PachydermError } from "../core/errors.ts";

/** Bounds of the HTTP door; each may be left out. */
export interface HttpLimits {
  /** Bytes of a body. Default 1 MiB. */
  readonly bodyBytes: number;
  /** Connections at once; more are closed as they come. Default 10,000. */
  readonly connections: number;
  /** Milliseconds until a request's headers must be there. Default 10,000. */
  readonly headersMs: number;
  /** Milliseconds until a whole request, its body included, must be there. Default 30,000. */
  readonly requestMs: number;
  /** Milliseconds without a byte either way, while a request is answered too: more than any send's deadline. Default 120,000. */
  readonly idleMs: number;
  /** Milliseconds until a connection without a request is closed. Default 65,000. */
  readonly keepAliveMs: number;
  /** Milliseconds that `close` waits for what is being answered. Default 10,000. */
  readonly closeMs: number;
}

export const defaultLimits: HttpLimits = {
  bodyBytes: 1_048_576,
  connections: 10_000,
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 120_000,
  keepAliveMs: 65_000,
  closeMs: 10_000,
};

/** @throws PachydermError INVALID_OPTIONS */
export function readLimits(given: Partial<HttpLimits> = {}): HttpLimits {
  const limits = { ...defaultLimits, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in defaultLimits)) throw invalid(`there is no limit ${name}`);
    if (!Number.isSafeInteger(value) || value < 1) throw invalid(`${name} is a whole number from 1 on`);
  }
  return limits;
}

function invalid(message: string): PachydermError {
  return new PachydermError("INVALID_OPTIONS", message);
}
