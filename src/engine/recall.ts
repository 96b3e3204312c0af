// A message that another commit has handled is not handled again: what became of it then is recalled.

import { PachydermError } from "../core/errors.ts";
import { type Json, parseJson } from "../core/json.ts";
import { parseReceipt } from "../core/receipt.ts";
import type { StoredRecord } from "../core/record.ts";
import type { Envelope } from "./envelope.ts";

/** By the receipt that the commit script has found. A rejection is final; else the sender gets today's state. */
export function recallFromReceipt(envelope: Envelope, text: string): void {
  const receipt = parseReceipt(text);
  const { idempotencyKey, hash } = envelope.order;
  if (receipt === undefined) {
    envelope.fail(unreadable(`the receipt of the key ${idempotencyKey} cannot be read`));
  } else if (receipt.hash !== hash) {
    const message = `the key ${idempotencyKey} was used with another message`;
    envelope.fail(new PachydermError("KEY_REUSED", message));
  } else if (receipt.rejection !== null) {
    const { code, detail } = receipt.rejection;
    envelope.fail(new PachydermError("REJECTED", `rejected before: ${code}`, { detail: { code, detail } }));
  } else {
    envelope.recalled = receipt;
  }
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
  envelope.recalled = { outcome: "committed", messageId, version, reply, hash, rejection: null };
}

function unreadable(message: string): PachydermError {
  // The message is known to have been handled; only how, is not.
  return new PachydermError("UNREADABLE_EVENT", message, { outcome: "unknown" });
}
