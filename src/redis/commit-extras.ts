// What a commit has besides its records, as commit.lua takes it: each extra is one key, its kind, and what goes with it.

import type { Commit, ReceiptStep } from "../ports/event-store.ts";
import { hasTimers, timerExtras } from "./commit-timers.ts";
import type { KeySpace } from "./keys.ts";

export interface Extra {
  readonly key: string;
  /** The kind first. */
  readonly args: readonly string[];
}

/**
 * Receipts first, in the order of the commit's steps: the script counts them.
 * @param receipts those of the commit, or none of them where they need not be looked for
 */
export function extrasOf(
  space: KeySpace,
  commit: Commit,
  receipts: readonly ReceiptStep[],
): readonly Extra[] {
  const { key, snapshot, destroy } = commit;
  const extras: Extra[] = receipts.map((step) => ({
    key: space.receipt(key, step),
    args: receiptArgs(step),
  }));
  if (snapshot !== null) {
    const { version, schema, state } = snapshot;
    extras.push({ key: space.snapshot(key), args: ["snapshot", `${version}`, `${schema}`, state] });
  }
  if (isFirst(commit))
    extras.push({ key: space.ids(key.partition), args: ["list", `${key.id} ${commit.type}`] });
  if (destroy === true) {
    extras.push({ key: space.snapshot(key), args: ["destroy"] });
    extras.push({ key: space.ids(key.partition), args: ["unlist", `[${key.id} `, `(${key.id}!`] });
  }
  if (hasTimers(commit)) extras.push(...timerExtras(space, commit));
  return extras;
}

/** The entity's first records: from now on it is listed. */
export function isFirst({ expected, records, destroy }: Commit): boolean {
  return expected.version === 0 && records.length > 0 && destroy !== true;
}

function receiptArgs({ write, notAfter }: ReceiptStep): readonly string[] {
  if (notAfter !== null && write === null) return ["seen", `${notAfter}`];
  const args = [write?.value ?? "", `${Math.ceil(write?.ttlMs ?? 0)}`];
  return notAfter === null ? ["receipt", ...args] : ["message", ...args, `${notAfter}`];
}
