// When a commit also writes the state.

import { strayKey } from "./known-keys.ts";

/** How often an entity's state is stored beside its events, and in what form. */
export interface SnapshotPolicy {
  /** A snapshot after every so many records, from 1 on. Default 100. */
  readonly every: number;
  /** The form of the state: raise it when the state's form changes, and older snapshots go unread. Default 1. */
  readonly version: number;
}

export const defaultSnapshotPolicy: SnapshotPolicy = { every: 100, version: 1 };

/** What `snapshot: false` is: never. */
export const noSnapshots: SnapshotPolicy = { every: 0, version: 1 };

/** What is wrong with a policy, which may come from untyped code. */
export function snapshotProblem(snapshot: unknown): string | undefined {
  if (snapshot === undefined || snapshot === false) return undefined;
  if (typeof snapshot !== "object" || snapshot === null) return "snapshot is { every, version }, or false";
  const stray = strayKey(snapshot, ["every", "version"]);
  if (stray !== undefined) return `snapshot: ${stray}`;
  const { every = 1, version = 1 } = snapshot as { every?: unknown; version?: unknown };
  if (every === 0) return "snapshot.every is 1 at least; snapshot: false for none";
  return Number.isSafeInteger(every) && Number(every) > 0 && Number.isSafeInteger(version)
    ? undefined
    : "snapshot is { every, version }, whole numbers, or false";
}

/** Whether a commit that ends at `version` writes a snapshot, the newest one being of version `last` (0: none). */
export function snapshotIsDue(policy: SnapshotPolicy, version: number, last: number): boolean {
  return policy.every > 0 && version - last >= policy.every;
}
