// An event as it stands in the log, as programs are shown it.

import type { Cursor } from "./cursor.ts";
import type { Event } from "./decision.ts";

/** An event as it stands in the log. */
export interface Recorded<E = Event> {
  /** From 1. Some may be missing in between: records of the system's own, which are not shown. */
  readonly version: number;
  /** As `update` is given it today: after `upcast`. */
  readonly event: E;
  /** Of the message that brought it. */
  readonly messageId: string;
  /** Epoch milliseconds by Redis's clock, when it was committed. */
  readonly at: number;
  /** Its place: for `expected`, `atLeast`, `If-Match`, `follow` and `waitFor`. */
  readonly cursor: Cursor;
}
