// The log of the door, and of a program that wants the same: JSON lines without payloads, tokens and secrets.

import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import { PachydermError } from "../core/errors.ts";

/** Whatever is put into a line under such a name, at the top or one below it. */
const secrets = ["authorization", "token", "secret", "password", "cookie", "headers", "body", "redis"];

/**
 * A pino log. What is logged is chosen, field by field, where it is logged; what is listed here is kept out all the same.
 *
 * @param level `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`
 * @param stream where lines go; standard output unless given
 */
export function jsonLog(level = "info", stream?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    serializers: { err: describeError },
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: "[secret]" },
  };
  return stream === undefined ? pino(options) : pino(options, stream);
}

interface DescribedError {
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: DescribedError;
}

/**
 * Only these parts: pino would copy all that hangs on an error, and on one of ioredis hangs the command with its
 * arguments, which are payloads.
 */
function describeError(thrown: unknown, depth = 0): DescribedError {
  if (!(thrown instanceof Error)) return { message: `a ${typeof thrown} was thrown` };
  const { message, stack, cause } = thrown;
  const code = thrown instanceof PachydermError ? thrown.code : undefined;
  return {
    ...(code === undefined ? {} : { code }),
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(cause === undefined || depth > 3 ? {} : { cause: describeError(cause, depth + 1) }),
  };
}
