// How safely what was committed is kept: asked after the commit, by whoever wants to know. Twins in memory/ and redis/,
// laws in laws/.

/** What is asked for: that the server's own disk has it, or so many replicas. */
export type Wanted =
  | { readonly kind: "fsync" }
  /** `count`: 1 and more. */
  | { readonly kind: "replicas"; readonly count: number };

export type Confirmed =
  /**
   * As far as was known when it was reached, or in the end. `local`: 1 where the server's own disk is known to have it;
   * `replicas`: how many are known to have it in their memory.
   */
  | {
      readonly kind: "confirmed";
      readonly local: number;
      readonly replicas: number;
      readonly reached: boolean;
    }
  | { readonly kind: "unavailable"; readonly reason: string };

export interface Durability {
  /** Null where this store can be asked for it; else a sentence that says what is missing. */
  refusal(wanted: Wanted): string | null;

  /**
   * Waits until what was committed in a partition before the call is as safe as is wanted.
   *
   * Guarantee: `reached` is said only of what was committed before the call, by whomever, and of all of it. Commits do
   * not wait for it.
   * Fails with: values; never throws, and has an answer when `deadline` (monotonic ms) has passed.
   */
  confirm(partition: number, wanted: Wanted, deadline: number): Promise<Confirmed>;

  /** Lets go of connections and timers; what is under way is answered `unavailable`. */
  close(): Promise<void>;
}
