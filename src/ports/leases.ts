// A node's claim on a partition, for a time. An economy, never a guarantee: two holders at once are harmless, because
// the log decides. Twins in memory/ and redis/, laws in laws/.

/** What `acquire` or `extend` gave: the object itself names the claim, and a copy of it names none. */
export interface Lease {
  readonly partition: number;
  /** Monotonic ms of this process until which it is held for sure, as far as clocks of the same speed can tell. */
  readonly until: number;
}

export type LeaseResult =
  | { readonly kind: "held"; readonly lease: Lease }
  /** Somebody has it, this holder included (or, of one that was to be extended: may have had it since). */
  | { readonly kind: "taken" }
  | { readonly kind: "unavailable"; readonly reason: string };

/** One holder's claims. */
export interface Leases {
  /**
   * Claims a partition, without waiting for it to become free.
   *
   * Guarantee: while clocks run at about the same speed, nobody else's claim succeeds before `until`.
   * Fails with: values only; never throws, and has an answer when `deadline` (monotonic ms) has passed.
   */
  acquire(partition: number, deadline: number): Promise<LeaseResult>;

  /**
   * The same claim for the full time from now on.
   *
   * Fails with: `taken`: it has ended, and must be claimed anew. `unavailable`: it lasts until its old `until`, and may
   * be extended again.
   */
  extend(lease: Lease, deadline: number): Promise<LeaseResult>;

  /** Frees it at once. Never fails: what cannot be freed ends with its time. One that was lost is left alone. */
  release(lease: Lease, deadline: number): Promise<void>;

  /** Lets go of connections and timers, not of the claims. */
  close(): Promise<void>;
}
