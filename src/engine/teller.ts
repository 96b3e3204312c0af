// `tell`: a job that sends. The job's id is the message's key at its receiver, whose commit leaves a receipt under it: so
// however often the job is run, and by whomever, the message is handled once. The receipt lives as long as the job may be
// sent, and a day more; a job that is older is not sent any more, for nobody could tell whether it was.

import type { EffectJob } from "../core/durable.ts";
import { type ErrorCode, PachydermError } from "../core/errors.ts";
import { type Json, problemText } from "../core/json.ts";
import { readTell, type Tell } from "../core/tell.ts";
import type { Ran } from "../ports/jobs.ts";
import type { EffectRun } from "./durable-effects.ts";

/** What is to be sent, and under which key. */
export interface Telling {
  readonly to: Tell["to"];
  readonly message: Json;
  readonly key: string;
  /** Epoch ms by the store's clock, after which it is not handled any more. */
  readonly until: number;
  /** What the sender of the message before it gave: it goes on to what comes of this one. */
  readonly config: Json | undefined;
}

export interface TellerParts {
  /** Epoch ms by the store's clock. */
  readonly now: () => number;
  /** Rejects with a PachydermError. */
  readonly send: (telling: Telling) => Promise<unknown>;
}

/** A job may be sent for so long after it was due: then it is a person's to decide. */
export const TELL_LIFE_MS = 7 * 86_400_000;
/** When a job goes back for a reason that will pass; half of it to one and a half, so that not all come back at once. */
const SOON_MS = 500;
/** Where no node hosts the receiver's type. */
const LATER_MS = 2_000;

/** As often as it may be tried, it would end in the same way: it is listed as failed at once. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  "REJECTED",
  "INVALID_REFERENCE",
  "INVALID_MESSAGE",
  "INVALID_OPTIONS",
  "WRONG_TYPE",
  "DESTROYED",
  "KEY_REUSED",
  "TOO_LARGE",
]);

export class Teller {
  readonly #parts: TellerParts;

  constructor(parts: TellerParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async run({ job, effect }: EffectRun): Promise<Ran> {
    let tell: Tell;
    try {
      tell = readTell(effect.payload, Number.MAX_SAFE_INTEGER);
    } catch (thrown) {
      return final(`the job's data cannot be read: ${problemText(thrown)}`);
    }
    const until = effect.at + tell.delayMs + TELL_LIFE_MS;
    if (this.#parts.now() > until)
      return final("it is too old to be sent: whether it was handled before cannot be told any more");
    const { to, message } = tell;
    const error = await this.#send({ to, message, key: job.id, until, config: effect.config });
    if (error === null) return { kind: "done" };
    if (error.code === "REJECTED" && tell.onRejected !== null)
      return await this.#sendBack(tell.onRejected, job.id, until, effect);
    return ranOf(error);
  }

  /** Under a key of its own. If it is cut short here, the next run is rejected again, by the receipt, and comes here. */
  async #sendBack(message: Json, id: string, until: number, effect: EffectJob): Promise<Ran> {
    const to = effect.reference;
    const error = await this.#send({ to, message, key: `${id}-r`, until, config: effect.config });
    return error === null ? { kind: "done" } : ranOf(error);
  }

  /** Null: it was handled, now or before. */
  async #send(telling: Telling): Promise<PachydermError | null> {
    try {
      await this.#parts.send(telling);
      return null;
    } catch (thrown) {
      if (thrown instanceof PachydermError) return thrown;
      return new PachydermError("HANDLER_FAILED", String(thrown), { cause: thrown });
    }
  }
}

function ranOf(error: PachydermError): Ran {
  const { code, message, retryable } = error;
  if (FINAL.has(code)) return final(`${code}: ${message}`);
  if (code === "UNKNOWN_TYPE" || code === "NO_OWNER") return { kind: "back", afterMs: LATER_MS };
  // The outage of a server or a node is not the message's failure, however long it lasts.
  if (retryable) return { kind: "back", afterMs: SOON_MS * (0.5 + Math.random()) };
  return { kind: "failed", error: `${code}: ${message}`, final: false };
}

function final(error: string): Ran {
  return { kind: "failed", error, final: true };
}
