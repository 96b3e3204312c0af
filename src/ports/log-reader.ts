// The network's log as readers see it, a partition at a time. Twins in memory/ and redis/, laws in laws/.

import type { LogEntry, LogLine } from "../core/log-entry.ts";
import type { LogPlace } from "../core/log-place.ts";
import type { StoredRecord } from "../core/record.ts";

export type LogPage =
  | {
      readonly kind: "page";
      /** In order; the first one is the entry of the place itself where only a part of it was done. */
      readonly entries: readonly LogEntry[];
      /** Whether there may be entries after the last one here. */
      readonly more: boolean;
      /**
       * Entries that were there after the place, or at it, and were trimmed; at least so many, and 0 where nothing is known
       * to be missing. The page begins behind them.
       */
      readonly truncated: number;
    }
  /** The log does not hold the place, and did not trim it: what the place remembers was lost. */
  | { readonly kind: "diverged"; readonly reason: string }
  /** What is stored there is no log of ours. */
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

export type LogRecords =
  | {
      readonly kind: "records";
      /**
       * For each line, from the first one on, the records that are kept of it, in order; fewer lines than were asked for
       * where the answer would be too large, but one at least.
       */
      readonly lines: readonly (readonly StoredRecord[])[];
    }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

export type LogEnds =
  /** The last entry of each, in the order asked for, as a place; the start where nothing was ever written. */
  | { readonly kind: "ends"; readonly places: readonly LogPlace[] }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/** Told when a call of this process was written; `at`: the store's time then, epoch ms, not after that of the entry's id. */
export type AppendListener = (partition: number, callId: string, at: number) => void;

/** One reader of the log. The same laws (laws/log-reader.ts) hold for every one. */
export interface LogReader {
  /**
   * Entries after a place, at most `limit` (1 to 1,000).
   *
   * Guarantee: in the order in which they were written, which for each entity is that of its versions; a commit that was
   * answered before the call is in it, or after its end (`more`), exactly once. The entry at the place is compared: a log
   * that was rolled back and has grown past it since is `diverged` too.
   * Fails with: values only; never throws, and has an answer when `deadline` (monotonic ms) has passed.
   */
  read(partition: number, after: LogPlace, limit: number, deadline: number): Promise<LogPage>;

  /**
   * The records of lines, in their order. A line whose records were trimmed, wholly or from the front, has fewer or none; of
   * one that was written in part, only those of its own commit.
   *
   * Fails with: as `read`.
   */
  records(partition: number, lines: readonly LogLine[], deadline: number): Promise<LogRecords>;

  /** Fails with: as `read`. */
  ends(partitions: readonly number[], deadline: number): Promise<LogEnds>;

  /**
   * Called for each partition that a call of this process's store wrote to, when it is answered. A hint: what others write
   * is not told. Returns the function that takes the listener away.
   */
  onAppend(listener: AppendListener): () => void;

  /** Called whenever a connection was made anew: what was there before may be lost. Returns as `onAppend`. */
  onReconnect(listener: () => void): () => void;

  /** Lets go of connections; what is under way is answered `unavailable`. */
  close(): Promise<void>;
}
