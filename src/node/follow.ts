// The events of one entity as they come: an async iterable.

import type { Cursor } from "../core/cursor.ts";
import type { Event } from "../core/decision.ts";
import type { Recorded } from "../core/recorded.ts";
import type { Following } from "../engine/log/following.ts";

/** From where an entity is followed, and until when. */
export interface FollowOptions {
  /** The first version, inclusive; or a cursor, behind which it begins. Default 1. */
  readonly from?: number | Cursor;
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Called where events are not kept any more, with the versions that are left out. Default: a process warning. */
  readonly onTruncated?: (gap: { readonly from: number; readonly to: number }) => void;
}

/**
 * What `follow` gives: past events, then those to come, each once and in order. It ends without an error when the loop is left, when
 * its signal is aborted, and when the node stops. What is waited for by one `next()` is not waited for by another.
 */
export class Follow<R = Recorded<Event>> implements AsyncIterableIterator<R, undefined> {
  readonly #following: Following;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(following: Following) {
    this.#following = following;
  }

  /**
   * Resolves when the past has been looked at; what is wrong with the cursor or the entity is known then. Iterating does
   * it by itself.
   * @throws PachydermError (as a rejection) WRONG_TYPE, DESTROYED, LOG_DIVERGED, UNREADABLE_EVENT
   */
  async open(): Promise<void> {
    await this.#following.open();
  }

  /** @throws PachydermError (as a rejection) as `open` */
  next(): Promise<IteratorResult<R, undefined>> {
    const next = this.#turn.then(() => this.#next());
    this.#turn = next.catch(() => {}); // told to whoever asked for it
    return next;
  }

  /** Ends it, also while a `next()` waits. */
  return(): Promise<IteratorResult<R, undefined>> {
    this.#following.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<R, undefined>> {
    const value = await this.#following.next();
    return value === undefined ? { done: true, value: undefined } : { done: false, value: value as R };
  }
}
