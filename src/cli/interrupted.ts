// Ended by a signal before it was done.

import { CliFailure } from "./failure.ts";

export class Interrupted extends CliFailure {
  readonly exitCode: number;

  /** @param isSending whether a message was on its way */
  constructor(signal: string, isSending: boolean) {
    super("INTERRUPTED", `ended by ${signal}`, isSending ? "unknown" : "not-committed");
    this.exitCode = signalCode(signal);
  }
}

/** As a shell counts them. */
export function signalCode(signal: string): number {
  return signal === "SIGTERM" ? 143 : 130;
}
