// Where the subscriptions of a network stand, in each partition, and the rows that move with them. Twins in memory/ and
// redis/, laws in laws/.

import type { LogPlace } from "../core/log-place.ts";

/** `parked`: its handler failed again and again, or the log was rolled back under it; somebody must look. */
export type SubscriptionStatus = "running" | "paused" | "parked";

/** A subscription in a partition. */
export interface SubscriptionCursor {
  /** Raised by each rewind: a move of an older generation is refused. */
  readonly generation: number;
  readonly place: LogPlace;
  readonly status: SubscriptionStatus;
  /** Why it is parked; else "". */
  readonly error: string;
  /** Entries of the log that were trimmed before it saw them, at least. */
  readonly truncated: number;
  /** Events whose records were gone (retention, `destroy`) before it saw them. */
  readonly removed: number;
}

/** Text, or null: the row is removed. */
export type RowChanges = ReadonlyMap<string, string | null>;

export interface CursorMove {
  readonly name: string;
  readonly partition: number;
  readonly generation: number;
  /** Who moves it: the same text only for the same move that is tried again. Letters, digits, `-` and `_`. */
  readonly by: string;
  /** Where the mover believes it to be. */
  readonly from: LogPlace;
  readonly to: LogPlace;
  /** Added to what the cursor tells. */
  readonly truncated: number;
  readonly removed: number;
  /** Written with the move: both or neither. */
  readonly rows: RowChanges;
}

export type MoveResult =
  /** It is at `to`: moved now, or by an earlier try of this mover. */
  | { readonly kind: "moved"; readonly status: SubscriptionStatus }
  /** It stands elsewhere, or is of another generation; undefined: it was removed. Nothing was written. */
  | { readonly kind: "refused"; readonly cursor: SubscriptionCursor | undefined }
  /** The log does not hold `to` (any more). Nothing was written. */
  | { readonly kind: "diverged" }
  | { readonly kind: "unreadable"; readonly reason: string }
  /** It may have been moved, or may be a little later. */
  | { readonly kind: "unavailable"; readonly reason: string };

export type CursorChange =
  /** Makes it where there is none. `now`: the log's end as of this call. */
  | { readonly kind: "begin"; readonly at: LogPlace | "now" }
  | { readonly kind: "pause" }
  /** Of what is paused or parked. */
  | { readonly kind: "resume" }
  /** Only of this generation, at this place: who parks it must not park what has gone on. */
  | { readonly kind: "park"; readonly generation: number; readonly at: LogPlace; readonly error: string }
  /** Raises the generation, and lets it run; `clear`: removes the rows. */
  | { readonly kind: "rewind"; readonly at: LogPlace | "now"; readonly clear: boolean }
  /** With its rows. */
  | { readonly kind: "remove" };

export type CursorAnswer =
  /** As it is now; undefined: there is none. */
  | { readonly kind: "cursor"; readonly cursor: SubscriptionCursor | undefined }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

export type RowsAnswer =
  /** `next`: to go on with; null: that was all. A row that is changed meanwhile may come twice, or not. */
  | {
      readonly kind: "rows";
      readonly rows: readonly (readonly [key: string, row: string])[];
      readonly next: string | null;
    }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

export type RowAnswer =
  | { readonly kind: "row"; readonly row: string | null }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

export type NamesAnswer =
  /** In the order of the alphabet. */
  | { readonly kind: "names"; readonly names: readonly string[] }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

export type TrimAnswer =
  /** So many entries were taken away. */
  | { readonly kind: "trimmed"; readonly entries: number }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/**
 * One client of the cursors. The same laws (laws/cursors.ts) hold for every one. None of it throws; all of it has an answer
 * when `deadline` (monotonic ms) has passed, and says `unavailable` then: what it asked may still be done.
 */
export interface Cursors {
  load(name: string, partition: number, deadline: number): Promise<CursorAnswer>;

  /**
   * Guarantee: compared and moved in one step, with the rows; of two movers from one place one wins, the other is `refused`,
   * also if it was to move to the same place. A cursor is never moved to a place that the log does not hold.
   */
  move(move: CursorMove, deadline: number): Promise<MoveResult>;

  /** One step. Guarantee: done twice, it does the same as once, but for a rewind, which raises the generation again. */
  change(name: string, partition: number, change: CursorChange, deadline: number): Promise<CursorAnswer>;

  row(name: string, partition: number, key: string, deadline: number): Promise<RowAnswer>;

  /** @param from null: from the first row on; else the `next` of the answer before */
  rows(name: string, partition: number, from: string | null, deadline: number): Promise<RowsAnswer>;

  /** The subscriptions that have a cursor in the partition. */
  names(partition: number, deadline: number): Promise<NamesAnswer>;

  /**
   * Takes entries of the partition's log away that are older than `before` (epoch ms), from the front.
   *
   * Guarantee: never the entry of a subscription's cursor, nor one after it, nor the last entry; compared in the same step.
   * May leave some that could go.
   */
  trim(partition: number, before: number, deadline: number): Promise<TrimAnswer>;

  /** Lets go of connections. */
  close(): Promise<void>;
}
