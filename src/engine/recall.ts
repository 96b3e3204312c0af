// A message that another commit has handled is not handled again: what became of it then is recalled.

import { type ErrorCode, errorTable, PachydermError } from "../core/errors.ts";
import { type Json, parseJson } from "../core/json.ts";
import { parseReceipt, type Receipt } from "../core/receipt.ts";
import type { StoredRecord } from "../core/record.ts";
import type { ReceiptStep } from "../ports/event-store.ts";
import type { Envelope } from "./envelope.ts";

/**
 * By the receipt that the commit script has found, of the caller's key or of another attempt at this message. A
 * rejection is final; else the sender gets today's state.
 */
export function recallFromReceipt(envelope: Envelope, text: string, kind: ReceiptStep["kind"]): void {
  const receipt = parseReceipt(text);
  const { idempotencyKey, messageId, hash } = envelope.order;
  const what = kind === "m" ? `the message ${messageId}` : `the key ${idempotencyKey}`;
  envelope.recorded = true;
  if (receipt === undefined) {
    envelope.fail(unreadable(`the receipt of ${what} cannot be read`));
  } else if (receipt.hash !== hash) {
    envelope.fail(new PachydermError("KEY_REUSED", `${what} was used with another message`));
  } else if (receipt.rejection !== null) {
    envelope.fail(refusal(receipt.outcome, receipt.rejection));
  } else {
    envelope.recalled = receipt;
  }
}

function refusal(
  outcome: Receipt["outcome"],
  { code, detail }: NonNullable<Receipt["rejection"]>,
): PachydermError {
  if (outcome === "rejected")
    return new PachydermError("REJECTED", `rejected before: ${code}`, { detail: { code, detail } });
  const failure = detail as { readonly message?: unknown; readonly detail?: unknown } | null;
  // Another version of the package may know codes that this one does not.
  const known: ErrorCode = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "HANDLER_FAILED";
  return new PachydermError(known, `${String(failure?.message)} (found by another attempt at this message)`, {
    // What was handled before the entity was destroyed left nothing that could tell.
    outcome: known === "DESTROYED" ? "unknown" : "not-committed",
    detail: failure?.detail ?? undefined,
  });
}

/** By the message's own records, where they are among those that its worker had missed. */
export function recallFromRecords(envelope: Envelope, missed: readonly StoredRecord[]): void {
  const { messageId, hash } = envelope.order;
  const last = missed.filter((record) => record.messageId === messageId).at(-1);
  if (last === undefined) return;
  const { version } = last;
  let reply: Json = null;
  try {
    if (last.reply !== "") reply = parseJson(last.reply);
  } catch {
    envelope.fail(unreadable(`the reply in the record of version ${version} cannot be read`));
    return;
  }
  envelope.recorded = true;
  envelope.recalled = { outcome: "committed", messageId, version, reply, hash, rejection: null };
}

function unreadable(message: string): PachydermError {
  // The message is known to have been handled; only how, is not.
  return new PachydermError("UNREADABLE_EVENT", message, { outcome: "unknown" });
}
