// A short record that a caller's key (or a message id) was handled, and how. Written and checked by the commit.

import { type Json, parseJson } from "./json.ts";

export interface Receipt {
  /** How it was handled. A failure is kept only where the message will never be tried again. */
  readonly outcome: "committed" | "empty" | "rejected" | "failed";
  readonly messageId: string;
  /** The version that the message brought or, without records, was compared at. */
  readonly version: number;
  readonly reply: Json;
  /** Fingerprint of the message: the same key with another one is KEY_REUSED. */
  readonly hash: string;
  /** With `rejected` and `failed`: the entity's code and detail. */
  readonly rejection: { readonly code: string; readonly detail: Json } | null;
}

export function formatReceipt(receipt: Receipt): string {
  return JSON.stringify(receipt);
}

/** Undefined if the text is no receipt. */
export function parseReceipt(text: string): Receipt | undefined {
  try {
    const value = parseJson(text) as Partial<Receipt> | null;
    return isReceipt(value) ? value : undefined;
  } catch {
    return undefined; // the caller says which receipt it was
  }
}

/** Every part is looked at: a receipt is acted upon long after it was written, and by other code. */
function isReceipt(value: Partial<Receipt> | null): value is Receipt {
  if (typeof value !== "object" || value === null || value.reply === undefined) return false;
  const { outcome, messageId, version, hash, rejection } = value;
  if (!(typeof messageId === "string" && Number.isSafeInteger(version) && typeof hash === "string"))
    return false;
  if (outcome === "committed" || outcome === "empty") return rejection === null;
  if (outcome !== "rejected" && outcome !== "failed") return false;
  return typeof rejection?.code === "string" && rejection.detail !== undefined;
}
