// How much of an entity's history is kept.

import { strayKey } from "./known-keys.ts";

/**
 * Events behind the newest snapshot are removed, but for the last ones. With it, the form of the state is not to be changed by
 * raising `snapshot.version` alone: what older snapshots cover is gone, so `snapshot.upcast` must bring them to today's form.
 * Without it such entities are refused, with UNREADABLE_EVENT, until there is one.
 */
export interface RetentionPolicy {
  /** The last so many events stay in any case, 1 to 1,000,000,000. */
  readonly keepEvents: number;
}

/** What is wrong with a policy, which may come from untyped code. */
export function retentionProblem(retention: unknown, snapshot: unknown): string | undefined {
  if (retention === undefined) return undefined;
  const { keepEvents } = (typeof retention === "object" ? (retention ?? {}) : {}) as { keepEvents?: unknown };
  if (!Number.isSafeInteger(keepEvents) || Number(keepEvents) < 1 || Number(keepEvents) > 1_000_000_000)
    return "retention is { keepEvents }, a whole number from 1 on";
  const stray = strayKey(retention ?? {}, ["keepEvents"]);
  if (stray !== undefined) return `retention: ${stray}`;
  return snapshot === false ? "retention needs snapshots: what is removed must be in one" : undefined;
}
