// When a commit also writes the state.

import { strayKey } from "./known-keys.ts";

/** How often an entity's state is stored beside its events, and in what form. `S`: the state. */
export interface SnapshotPolicy<S = unknown> {
  /** A snapshot after every so many records, from 1 on. Default 100. */
  readonly every: number;
  /**
   * The form of the state: raise it when the state's form changes. Snapshots of other forms go unread, unless `upcast` is given.
   * Default 1.
   */
  readonly version: number;
  /**
   * From a state as a snapshot of a lower `version` stored it, perhaps years ago, to today's form. Needed where `retention` has
   * taken away the events of which the state could be made anew. Pure; what it throws is UNREADABLE_EVENT, and nothing is lost.
   *
   * @param version the form that the state was stored in
   */
  upcast?(state: unknown, version: number): S;
}

export const defaultSnapshotPolicy: SnapshotPolicy = { every: 100, version: 1 };

/** What `snapshot: false` is: never. */
export const noSnapshots: SnapshotPolicy = { every: 0, version: 1 };

/** What is wrong with a policy, which may come from untyped code. */
export function snapshotProblem(snapshot: unknown): string | undefined {
  if (snapshot === undefined || snapshot === false) return undefined;
  if (typeof snapshot !== "object" || snapshot === null) return "snapshot is { every, version }, or false";
  const stray = strayKey(snapshot, ["every", "version", "upcast"]);
  if (stray !== undefined) return `snapshot: ${stray}`;
  const { every = 1, version = 1, upcast } = snapshot as Readonly<Record<keyof SnapshotPolicy, unknown>>;
  if (every === 0) return "snapshot.every is 1 at least; snapshot: false for none";
  if (upcast !== undefined && typeof upcast !== "function") return "snapshot.upcast is a function";
  return Number.isSafeInteger(every) && Number(every) > 0 && Number.isSafeInteger(version)
    ? undefined
    : "snapshot is { every, version }, whole numbers, or false";
}

/** Of which forms snapshots can be read, as a store is asked for them. */
export function readableForms({ version, upcast }: SnapshotPolicy): {
  readonly schema: number;
  readonly older: boolean;
} {
  return { schema: version, older: upcast !== undefined };
}

/** Whether a commit that ends at `version` writes a snapshot, the newest one being of version `last` (0: none). */
export function snapshotIsDue(policy: SnapshotPolicy, version: number, last: number): boolean {
  return policy.every > 0 && version - last >= policy.every;
}
