// How the program ends when it did not do what it was asked: what it says, and with which code.

import { type ErrorCode, type Outcome, PachydermError, reasonOf } from "../core/errors.ts";
import { adviceOf } from "./advice.ts";

/** What can go wrong before or beside anything of Pachyderm's. docs/cli.md has the same table. */
export const cliTable = {
  USAGE: { retryable: false, advice: "Read what `--help` says of the command." },
  UNREACHABLE: {
    retryable: true,
    advice: "Check the address, and that a node with an HTTP door runs there.",
  },
  SHUT_OUT: {
    retryable: false,
    advice: "Give what the nodes ask for: their secret in PACHYDERM_SECRET, or the files of PACHYDERM_TLS_*.",
  },
  BAD_ANSWER: {
    retryable: false,
    advice: "Check that the address is that of a node of Pachyderm, and not of something in front of it.",
  },
  NO_EFFECT: {
    retryable: false,
    advice: "Look at `pachyderm effects list`: it may have been retried or dropped already.",
  },
  INTERRUPTED: { retryable: true, advice: "Send again with the same --key: then it is handled once." },
  UNFORESEEN: { retryable: false, advice: "This is a fault of the program: please report it." },
} as const;

export type CliCode = keyof typeof cliTable;

/** What the program ends with. docs/cli.md has the same table. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notNow: 4,
  unknown: 5,
} as const;

/** What the caller gave is wrong. */
const USAGE = new Set<string>([
  "USAGE",
  "INVALID_REFERENCE",
  "INVALID_MESSAGE",
  "INVALID_OPTIONS",
  "INVALID_CURSOR",
]);
/** The entity, as it is, says no. */
const REFUSED = new Set<string>([
  "REJECTED",
  "EXPECTED_MISMATCH",
  "CONFLICT",
  "KEY_REUSED",
  "WRONG_TYPE",
  "DESTROYED",
  "LOG_DIVERGED",
]);

/** Something of the command line's own, or a code of the HTTP door that is none of Pachyderm's. */
export class CliFailure extends Error {
  readonly code: string;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly advice: string;

  constructor(code: CliCode, message: string, outcome: Outcome = "not-committed") {
    super(message);
    this.code = code;
    this.outcome = outcome;
    this.retryable = cliTable[code].retryable;
    this.advice = cliTable[code].advice;
  }
}

/** As it is told: on standard error, with `--json` as this object. */
export interface Told {
  readonly code: string;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly message: string;
  readonly detail?: unknown;
  /** What to do. */
  readonly advice: string;
}

export function tell(thrown: unknown): Told {
  if (thrown instanceof PachydermError) {
    const { code, outcome, retryable, message, detail } = thrown;
    const advice = adviceOf(code as ErrorCode, outcome);
    return { code, outcome, retryable, message, ...(detail === undefined ? {} : { detail }), advice };
  }
  if (thrown instanceof CliFailure) {
    const { code, outcome, retryable, message, advice } = thrown;
    return { code, outcome, retryable, message, advice };
  }
  // Nobody foresaw it, so nobody knows how far it came.
  return {
    code: "UNFORESEEN",
    outcome: "unknown",
    retryable: false,
    message: reasonOf(thrown),
    advice: cliTable.UNFORESEEN.advice,
  };
}

export function exitCodeOf({ code, outcome, retryable }: Told): number {
  if (code === "UNFORESEEN") return exitCodes.failed;
  if (outcome === "unknown") return exitCodes.unknown;
  if (USAGE.has(code)) return exitCodes.usage;
  if (REFUSED.has(code)) return exitCodes.refused;
  return retryable ? exitCodes.notNow : exitCodes.failed;
}

export function usage(message: string): CliFailure {
  return new CliFailure("USAGE", message);
}
