// Eighth and last step of a send (before: worker.ts): what became of the commit is known, so everybody may hear of it.

import { PachydermError } from "../core/errors.ts";
import type { Batch, Entry } from "./batch.ts";

/** Answers each sender of a committed batch, in order. Never fails: what is committed is committed. */
export function settle({ entries }: Pick<Batch, "entries">): void {
  for (const entry of entries) settleOne(entry);
}

function settleOne({ envelope, turn, version, commitId }: Entry): void {
  const { recalled } = envelope;
  if (recalled !== null || writes({ envelope, turn })) envelope.recorded = true;
  switch (turn.kind) {
    case "handled":
      envelope.answer({
        version,
        commitId,
        handledVersion: recalled?.version ?? version,
        reply: turn.reply,
        duplicate: recalled !== null,
        value: turn.value,
      });
      return;
    case "rejected": {
      const { code, detail } = turn;
      envelope.fail(new PachydermError("REJECTED", `rejected: ${code}`, { detail: { code, detail } }));
      return;
    }
    case "failed":
      envelope.fail(turn.error);
      return;
  }
}

/** What came of a commit that never was: everybody in it gets the error. */
export function settleFailed({ entries }: Pick<Batch, "entries">, error: PachydermError): void {
  for (const { envelope } of entries) envelope.fail(error);
}

/** The store refused the call, or could not be asked. @param now monotonic ms */
export function settleUnavailable({ entries }: Pick<Batch, "entries">, reason: string, now: number): void {
  for (const { envelope } of entries) envelope.failStore(reason, "not-committed", now);
}

/** Only what writes may have been written: who looked, or was to be rejected without a receipt, is told so. */
export function settleUnknown({ entries }: Pick<Batch, "entries">, reason: string, now: number): void {
  for (const entry of entries)
    entry.envelope.failStore(reason, writes(entry) ? "unknown" : "not-committed", now);
}

/** Whether the commit leaves anything of this message: records, or a receipt. */
function writes({ envelope: { order }, turn }: Pick<Entry, "envelope" | "turn">): boolean {
  if (order.message === undefined) return false;
  if (turn.kind === "handled" && turn.records.length > 0) return true;
  return order.attempt > 1 || (order.idempotencyKey !== null && turn.kind !== "failed");
}
