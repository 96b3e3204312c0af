// When a commit also writes the state.

/** How often an entity's state is stored beside its events, and in what form. */
export interface SnapshotPolicy {
  /** A snapshot after every so many records; 0: never. Default 100. */
  readonly every: number;
  /** The form of the state: raise it when the state's form changes, and older snapshots go unread. Default 1. */
  readonly version: number;
}

export const defaultSnapshotPolicy: SnapshotPolicy = { every: 100, version: 1 };

/** Whether a commit that ends at `version` writes a snapshot, the newest one being of version `last` (0: none). */
export function snapshotIsDue(policy: SnapshotPolicy, version: number, last: number): boolean {
  return policy.every > 0 && version - last >= policy.every;
}
