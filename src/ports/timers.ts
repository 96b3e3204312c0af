// Timers as they are stored, for whoever fires them. They are set, taken away and fired by commits (event-store.ts); what
// is here reads them, and sets those aside that cannot be fired now. Twins in memory/ and redis/, laws in laws/.

import type { EntityKey, FiringStep } from "./event-store.ts";

/** A timer, pending or parked. */
export interface StoredTimer {
  readonly name: string;
  readonly generation: string;
  /** Epoch ms by the store's clock. */
  readonly dueAt: number;
  /** Milliseconds from tick to tick; null: it fires once. */
  readonly everyMs: number | null;
  /** How often its firing has failed since it was set, or has last been handled. */
  readonly tries: number;
  /** The entity type that set it. */
  readonly type: string;
  /** JSON text of the message. */
  readonly message: string;
  /** Null: it waits for its time. Else it waits for nothing any more, for this reason. */
  readonly parked: string | null;
}

export interface DueRequest {
  readonly partition: number;
  /** So many at most. */
  readonly limit: number;
}

export interface DueTimer {
  readonly id: string;
  readonly name: string;
  /** Null: what is stored there is no timer of ours. */
  readonly timer: StoredTimer | null;
}

export type Due =
  | {
      readonly kind: "due";
      /** The store's time of this reading, epoch ms. */
      readonly now: number;
      /** Those whose time has come, the longest due first. */
      readonly timers: readonly DueTimer[];
      /** When the first one is due of those whose time has not come, epoch ms; null: there is none. */
      readonly next: number | null;
    }
  | { readonly kind: "unavailable"; readonly reason: string };

export type Listed =
  | { readonly kind: "listed"; readonly timers: readonly StoredTimer[] }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/** What is to become of a timer whose firing failed. */
export type Fate =
  /** It is due again after so many milliseconds; its own due time stays what it was. */
  | { readonly kind: "later"; readonly ms: number; readonly tries: number }
  | { readonly kind: "parked"; readonly reason: string; readonly tries: number };

export type SetAside =
  | { readonly kind: "done" }
  /** It does not stand any more as it was read. */
  | { readonly kind: "gone" }
  | { readonly kind: "unavailable"; readonly reason: string };

/** One client of the timers of a network. */
export interface Timers {
  /**
   * What is due in some partitions, and when to look again; the answers stand in the order of the requests. Changes
   * nothing: what is due stays due until a commit has handled it.
   *
   * Guarantee: no timer is told of before its time, by the store's clock; every one that was committed before the call,
   * and whose time has come, is told of, or as many as the limit lets.
   * Fails with: `unavailable` as a value, each partition on its own; never throws, and has an answer when `deadline`
   * (monotonic ms) has passed.
   */
  due(requests: readonly DueRequest[], deadline: number): Promise<readonly Due[]>;

  /**
   * All timers of an entity, pending and parked, in the order of their due times.
   *
   * Guarantee: one moment's view, not older than any commit that was answered before.
   * Fails with: `unreadable`, `unavailable` as values.
   */
  list(key: EntityKey, deadline: number): Promise<Listed>;

  /**
   * Puts a timer off, or parks it.
   *
   * Guarantee: nothing is done to one that was handled, set anew or taken away meanwhile.
   * Fails with: values only.
   */
  setAside(
    key: EntityKey,
    firing: Omit<FiringStep, "missed">,
    fate: Fate,
    deadline: number,
  ): Promise<SetAside>;

  /** Takes what is no timer of ours off the list of what is due. It stays where it is stored. Fails with: values only. */
  ignore(key: EntityKey, name: string, deadline: number): Promise<SetAside>;

  /** Lets go of connections; what is under way is answered `unavailable`. */
  close(): Promise<void>;
}
