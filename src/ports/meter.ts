// What a node counts while it works, for whoever measures it. Called on the way of every send: an implementation adds
// to a number and returns, and never throws.

import type { ErrorCode } from "../core/errors.ts";

/** Counts what a node does: `Pachyderm.start({ meter })`. Each is called while a message is on its way. */
export interface Meter {
  /** A send or a get of this node's own program ended: answered (null), or with an error. */
  ended(kind: "send" | "get", code: ErrorCode | null): void;
  /** One call to the store with `commits` commits was answered after `ms` milliseconds. */
  called(ms: number, commits: number): void;
  /** A commit of so many messages of one entity was sent. */
  batched(messages: number): void;
  /** Another worker's commit came first. */
  conflicted(): void;
  /** What was remembered was not the log. */
  diverged(): void;
  /** A message of this node's program went to another node. */
  forwarded(): void;
  /** A message from another node was taken here. */
  handledForAnother(): void;
}
