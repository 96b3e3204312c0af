// A script of BullMQ's, in two parts: the functions that it defines, and what it does with them. It is written to be run
// once, and begins by making some fifty functions, of which adding a job calls six; so where a call of the commit script
// adds many jobs, they are made once. Measured: 4 of the 50 µs that a commit with a job takes of Redis.

import { createHash } from "node:crypto";

export interface BullText {
  /** Lua that may be run once for many jobs. */
  readonly defines: string;
  /** Lua that is run for each, behind it. */
  readonly does: string;
}

/**
 * SHA-256 of the texts that were read for this: what each of their functions uses is its own, but for `rcall` and functions
 * before it. Of another text that is not known, and it is left whole, which is slower and nothing else.
 */
const READ: ReadonlySet<string> = new Set([
  "2eee45c9ffc54d24681b737f926016a7f7464f0d32a5f87f623bffa2fc55413c", // addStandardJob of bullmq 6.7.0
  "e47c0db3c46bd84afab98fae90bba3b98cf6554e74df840801c39baccc627c4c", // addDelayedJob
]);

const RCALL = "local rcall = redis.call\n";
/** BullMQ's functions begin and end at the beginning of a line, and nothing that is in them does. */
const FUNCTION = /^local function .*?^end[ \t]*\n/gms;

export function splitText(lua: string): BullText {
  if (!READ.has(createHash("sha256").update(lua).digest("hex"))) return { defines: "", does: lua };
  const functions = lua.match(FUNCTION) ?? [];
  return { defines: RCALL + functions.join(""), does: lua.replace(FUNCTION, "") };
}
