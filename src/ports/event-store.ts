// The log: the one place where all guarantees live. Twins in memory/ and redis/, laws in laws/.

import type { StoredRecord } from "../core/record.ts";

/** An entity's place in the store. */
export interface EntityKey {
  readonly id: string;
  readonly partition: number;
}

/** A receipt that a commit looks for, and writes if a value is given. */
export interface ReceiptStep {
  /** `k`: a caller's idempotency key; `m`: a message id; `t`: a tell. */
  readonly kind: "k" | "m" | "t";
  readonly key: string;
  /** Opaque text to keep, not empty, and for how many milliseconds (at least); null: only look. */
  readonly write: { readonly value: string; readonly ttlMs: number } | null;
  /** Epoch ms by the store's clock: the commit is refused (`late`) after it; null: never. */
  readonly notAfter: number | null;
  /**
   * Epoch ms by the store's clock: whoever may have written it did so later, for what it is a receipt of did not exist
   * before. Left out: not known; only of messages. A store that knows that nobody has written since need not look, nor hold to `notAfter`.
   */
  readonly notBefore?: number;
}

/** Only with records: a snapshot is known by the commit of the record that it was made after. */
export interface SnapshotStep {
  /** Of the commit's last record. */
  readonly version: number;
  /** The form of the state, from the entity's snapshot policy. */
  readonly schema: number;
  /** JSON text of the state after the commit's last record. */
  readonly state: string;
}

/** What a commit does to the timer of one name. */
export interface TimerStep {
  readonly name: string;
  /** Null: it is taken away, pending or parked, if it is there. */
  readonly set: NewTimer | null;
}

export interface NewTimer {
  /** Unlike that of any other scheduling, for ever. `[A-Za-z0-9_-]+` */
  readonly generation: string;
  /** Epoch ms by the store's clock. */
  readonly dueAt: number;
  /** Milliseconds from tick to tick; null: it fires once. */
  readonly everyMs: number | null;
  /** JSON text of the message; it holds no line break. */
  readonly message: string;
}

/**
 * A firing that the commit handles. It takes the timer away or, of an `every`, sets it to the tick after those that were
 * missed: `dueAt + (missed + 1) * everyMs`.
 */
export interface FiringStep {
  readonly name: string;
  readonly generation: string;
  readonly dueAt: number;
  readonly missed: number;
}

/** A record to be written: its version follows from its place in the commit. */
export interface NewRecord {
  readonly messageId: string;
  /** JSON text of the event; it holds no line break. */
  readonly event: string;
  /** JSON text of the reply, or "". */
  readonly reply: string;
}

/** A job for the queue of the entity's partition (ports/jobs.ts): there if and only if the commit is written. */
export interface NewJob {
  /** `<commit id>-<number>`, for ever this job's: `[A-Za-z0-9_-]{3,80}` */
  readonly id: string;
  /** The effect's name. */
  readonly name: string;
  /** JSON text of an object. */
  readonly data: string;
  /** How often it may fail, from 1. */
  readonly attempts: number;
  /** Milliseconds until it is run again after it failed once; doubled each time. */
  readonly backoffMs: number;
  /** Milliseconds until it may be run, from `at` on. */
  readonly delayMs: number;
  /** Epoch ms by the store's clock. */
  readonly at: number;
}

/**
 * What a commit does to the entity's row in one view (ports/views.ts). It is done only where the schema is there; in all
 * other schemas of the view that are there, the entity's row falls behind, and is told of as such, unless this is a repair.
 */
export interface RowStep {
  /** `<entity type>:<view>` */
  readonly table: string;
  readonly schema: string;
  /**
   * `changed`: it is written. `same`: it is as the last commit left it, and written only while the schema is being built.
   * `repair`: only without records; it is written, and not behind any more.
   */
  readonly mode: "changed" | "same" | "repair";
  /** JSON text; null: there is none, and what there was is taken away. */
  readonly row: string | null;
  /** One for each index of the schema, in its order (core/view-order.ts); null: it is not in that index. */
  readonly values: readonly (string | null)[];
  /**
   * The values of the row as the last commit left it, as far as the caller remembers; null or left out: it does not. It
   * spares the store a look, and must not be trusted.
   */
  readonly before?: readonly (string | null)[] | null;
}

/** What one message, or a batch of them, means to one entity. All or nothing. */
export interface Commit {
  readonly key: EntityKey;
  readonly type: string;
  /** Unique to this commit, for ever; a commit that is tried again carries the same one. `[A-Za-z0-9_-]{1,64}` */
  readonly commitId: string;
  readonly expected: {
    /** The version that this commit was computed at. */
    readonly version: number;
    /** The commit that brought that version; "" at version 0. */
    readonly commitId: string;
    /** What the same store's answer to that commit said; 0 or left out: nothing. */
    readonly proof?: number;
  };
  /** None: the commit only compares (and writes its receipts). */
  readonly records: readonly NewRecord[];
  readonly receipts: readonly ReceiptStep[];
  readonly snapshot: SnapshotStep | null;
  /** Only with records, by which the commit is known: jobs that it puts on the partition's queue. */
  readonly jobs?: readonly NewJob[];
  /** Written only while each of these timers stands as it was read (`gone`); one of a name at most. */
  readonly firings?: readonly FiringStep[];
  /** Done after the firings, in this order; one of a name at most. */
  readonly timers?: readonly TimerStep[];
  /** One of a view at most. */
  readonly rows?: readonly RowStep[];
  /** The commit's last record ends the entity: the records before it and the snapshot go, with the same call. */
  readonly destroy?: true;
}

/** A receipt of another commit, found by this one. */
export interface FoundReceipt {
  /** The place of the step in the commit's `receipts`. */
  readonly step: number;
  readonly value: string;
}

export type CommitResult =
  /**
   * Written; or compared, where it had nothing to write. `already`: an earlier try of this very commit had done it.
   * `at`: the store's time, epoch ms; that of the records unless `already`, and of this answer then.
   * `proof`: to be handed back with the next commit, if this one brought records; the store may do with a shorter
   * comparison then.
   */
  | { readonly kind: "committed"; readonly at: number; readonly already: boolean; readonly proof?: number }
  /** Another commit has handled some of these messages. Nothing was written. */
  | { readonly kind: "duplicate"; readonly found: readonly FoundReceipt[] }
  /** It is later than some receipt steps allow, which are named by their places. Nothing was written. */
  | { readonly kind: "late"; readonly steps: readonly number[] }
  /**
   * Timers whose firing this commit handles do not stand any more as they were read: handled by another commit, set anew
   * or taken away. Named by their places. Nothing was written.
   */
  | { readonly kind: "gone"; readonly firings: readonly number[] }
  /**
   * The log is longer than expected. Nothing was written. `missed`: records from the expected version on,
   * that one included where it is not 0, as many as fit; the caller reads the rest. At version 0 they begin with the
   * first record that is kept: where version 1 was trimmed, the caller loads afresh. `mayHaveRun` (of `reload` too): an
   * earlier try of this very commit got no answer. It was not written, unless what showed that is gone: destroyed.
   */
  | { readonly kind: "conflict"; readonly missed: readonly StoredRecord[]; readonly mayHaveRun?: true }
  /** The log is shorter than expected, or holds another commit there: what the caller remembers is not the log. */
  | { readonly kind: "diverged" }
  /** The record to compare with was trimmed, and the log has grown since: load afresh. Nothing was written. */
  | { readonly kind: "reload"; readonly mayHaveRun?: true }
  /** This commit alone cannot be written, for what is stored: a key of a foreign type, a corrupt stream. Nothing was. */
  | { readonly kind: "refused"; readonly reason: string }
  /** The store could not be asked, or refused the call. Nothing was written. */
  | { readonly kind: "unavailable"; readonly reason: string }
  /** The store was asked and no answer came until the deadline: it may be written, now or a little later. */
  | { readonly kind: "unknown"; readonly reason: string };

export interface LoadedSnapshot {
  readonly version: number;
  readonly commitId: string;
  /** The form of the state. */
  readonly schema: number;
  /** JSON text, as it was written. */
  readonly state: string;
}

export type Loaded =
  | {
      readonly kind: "loaded";
      readonly snapshot: LoadedSnapshot | null;
      /** In order; from the snapshot's own version on (the record there included), else from the first kept one. */
      readonly records: readonly StoredRecord[];
      /** Whether there may be records after the last one here. */
      readonly more: boolean;
    }
  /** What is stored there is no record of ours. */
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

export interface LoadRequest {
  readonly key: EntityKey;
  /** The form of snapshots that can be read; null: read none. */
  readonly schema: number | null;
  /** Those of lower forms can be read too. Default false. */
  readonly older?: boolean;
}

export interface FindRequest {
  readonly key: EntityKey;
  readonly messageIds: readonly string[];
  /** Epoch ms by the store's clock: records that are older are not looked at. */
  readonly since: number;
}

export type Found =
  /** The last record of each message that has one, in the order of the log. */
  | { readonly kind: "found"; readonly records: readonly StoredRecord[] }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/** Which records of an entity may go. */
export interface TrimRequest {
  readonly key: EntityKey;
  /** Those below this version. */
  readonly below: number;
  /** Those older than this, epoch ms by the store's clock. */
  readonly before: number;
}

export type Trimmed =
  /** `more`: there are more that can go, call again. `young`: the next one is not old enough yet. */
  | { readonly kind: "trimmed"; readonly left: "done" | "more" | "young" }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

export type CommitStanding =
  | { readonly kind: "stands" }
  | { readonly kind: "lost" }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/** An entity that has records, with the type that its first one was written by. */
export interface ListedEntity {
  readonly id: string;
  readonly type: string;
}

export type Listed =
  /** In the order of their ids. */
  | { readonly kind: "listed"; readonly entities: readonly ListedEntity[] }
  | { readonly kind: "unavailable"; readonly reason: string };

export type Forgotten = { readonly kind: "done" } | { readonly kind: "unavailable"; readonly reason: string };

/** One client of a log. The same laws (laws/event-store.ts) hold for every store. */
export interface EventStore {
  /**
   * The lane of a partition: only commits and loads of one lane may share a call, because one lane is what
   * one server can do atomically.
   */
  lane(partition: number): number;

  /**
   * How many calls of `commit` each lane should have under way at most, for the sake of speed. They have no commit of one
   * entity in common.
   */
  readonly calls: number;

  /**
   * Snapshot and the records after it, for many entities in one round trip; the answers stand in the order of the
   * requests, long tails are cut (`more`).
   *
   * Guarantee: each answer is one moment's view of its entity, not older than any commit that was answered before.
   * Fails with: `unreadable`, `unavailable` as values, each entity on its own; never throws, never hangs.
   */
  load(requests: readonly LoadRequest[], deadline: number): Promise<readonly Loaded[]>;

  /**
   * Commits for many entities in one call: all of one lane, answers in the order given. Each commit on its own is
   * all or nothing, and is written only if the entity's last record is of the expected version and commit.
   *
   * Guarantee: a commit that was answered `committed` is in the log, once, whatever happened on the way: after a
   * lost answer the same commit is tried again, and recognised. Of commits for one entity at one version, at most
   * one wins, in one call and in several.
   * Order of the checks: already, duplicate, late, gone, compare. A commit that handled a firing and has neither records
   * nor receipts is not recognised when it is tried again: then its firing is `gone`, and it was handled.
   * Fails with: values only; never throws, and has an answer when `deadline` (monotonic ms) has passed.
   */
  commit(commits: readonly Commit[], deadline: number): Promise<readonly CommitResult[]>;

  /**
   * Records `from` (a version, inclusive) and on, at most `limit` (1 to 10,000) of them.
   *
   * Guarantee: in order, one moment's view.
   * Fails with: `unreadable`, `unavailable` as values.
   */
  read(key: EntityKey, from: number, limit: number, deadline: number): Promise<Loaded>;

  /**
   * Whether messages were handled: looks for their ids in the entity's records, from the newest back to `since`.
   *
   * Guarantee: every record is looked at that was committed before the call, and is not older than `since`; of those
   * that are committed meanwhile, some may be. What is trimmed is not found.
   * Fails with: `unreadable`, `unavailable` as values.
   */
  find(request: FindRequest, deadline: number): Promise<Found>;

  /**
   * Takes records away, from the first one on.
   *
   * Guarantee: only those that are below the version, older than the time, and covered by the newest snapshot, which is
   * of this log; the record of the snapshot's own version and all later ones stay.
   * Fails with: `unreadable`, `unavailable` as values.
   */
  trim(request: TrimRequest, deadline: number): Promise<Trimmed>;

  /**
   * Whether the commit that brought a version is in the log, or was there and is trimmed by now.
   *
   * Guarantee: `lost` only where the log has never come to that version, or holds another commit there.
   * Fails with: `unreadable`, `unavailable` as values.
   */
  stands(key: EntityKey, place: Commit["expected"], deadline: number): Promise<CommitStanding>;

  /**
   * Entities of a partition that have records and were not destroyed: those after the id `after` ("" to begin with), at
   * most `limit` (1 to 10,000) of them.
   *
   * Guarantee: one moment's view; whoever pages by the last id sees each entity once that was there all the time.
   * Fails with: `unavailable` as a value.
   */
  list(partition: number, after: string, limit: number, deadline: number): Promise<Listed>;

  /**
   * Removes the receipts of callers' keys of an entity that was destroyed. Those of tells and of attempts live out their
   * time: without them, one that is still on its way would not be known for the one that was handled.
   *
   * Guarantee: when it is `done`, none is left of those that were there when it was called.
   * Fails with: `unavailable` as a value: then they end with their time.
   */
  forget(key: EntityKey, deadline: number): Promise<Forgotten>;

  /** The store's clock, epoch ms: the last time seen plus monotonic time since. */
  now(): number;

  /**
   * The store's time (epoch ms) came another way, so that a node that commits nothing knows it too: a monotonic clock
   * stands still while its machine sleeps.
   */
  saw(epochMs: number): void;

  /** Lets go of connections and timers; what is under way is answered `unavailable` or `unknown`. */
  close(): Promise<void>;
}
