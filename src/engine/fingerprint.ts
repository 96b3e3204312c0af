// Tells whether two messages are the same one, for a caller's idempotency key.

import { createHash } from "node:crypto";
import type { Json } from "../core/json.ts";

/** 128 bits of SHA-256 over the message with its keys in order: what matters is what it says, not how it was built. */
export function fingerprint(message: Json): string {
  return createHash("sha256")
    .update(JSON.stringify(ordered(message)))
    .digest("base64url")
    .slice(0, 22);
}

function ordered(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  const entries = Object.entries(value as { readonly [key: string]: Json });
  // By UTF-16 code units, as sort() does: the order need only be the same everywhere.
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, part]) => [key, ordered(part)]),
  );
}
