// A short record that a caller's key (or a message id) was handled, and how. Written and checked by the commit.

import type { Json } from "./json.ts";

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
    const value = JSON.parse(text) as Partial<Receipt> | null;
    const sound =
      typeof value?.outcome === "string" &&
      typeof value.version === "number" &&
      typeof value.hash === "string" &&
      value.reply !== undefined &&
      isRejection(value.rejection);
    return sound ? (value as Receipt) : undefined;
  } catch {
    return undefined; // the caller says which receipt it was
  }
}

function isRejection(value: Receipt["rejection"] | undefined): boolean {
  return value === null || typeof value?.code === "string";
}
