// Second step of a send (before: seal.ts, after: loader.ts where the entity is cold, else turn.ts): the messages of one
// entity that wait to be handled, in order.

import type { Batch } from "./batch.ts";
import type { Envelope } from "./envelope.ts";

/** Shared by all that are empty, and never changed: most mailboxes are empty most of the time. */
const EMPTY: Envelope[] = [];

export class Mailbox {
  #waiting: Envelope[] = EMPTY;
  /** Their idempotency key is in a batch already: they wait until it is known what became of that. */
  #parked: Envelope[] = EMPTY;

  get size(): number {
    return this.#waiting.length + this.#parked.length;
  }

  /** Whether there is anything that can be handled now. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get first(): Envelope | undefined {
    return this.#waiting[0];
  }

  put(envelope: Envelope): void {
    // A list of one, made as such, has room for one; push() would make room for seventeen.
    if (this.#waiting.length === 0) this.#waiting = [envelope];
    else this.#waiting.push(envelope);
  }

  park(envelope: Envelope): void {
    this.#parked = [...this.#parked, envelope];
  }

  /**
   * Takes the first ones out, each handed over, until `take` says no; those that are settled are left out. What `take`
   * needs besides is handed on to it, so that it can be one function for all, and no closure.
   */
  take<T extends readonly unknown[]>(
    take: (envelope: Envelope, ...around: T) => boolean,
    ...around: T
  ): void {
    let taken = 0;
    for (const envelope of this.#waiting) {
      if (!envelope.settled && !take(envelope, ...around)) break;
      taken += 1;
    }
    if (taken === this.#waiting.length) this.#waiting = EMPTY;
    else this.#waiting.splice(0, taken);
  }

  /** The messages of lost batches, in their order, before all others: what they yielded never happened. */
  putBack(...batches: readonly (Batch | null)[]): void {
    const envelopes = batches.flatMap((batch) => batch?.entries.map(({ envelope }) => envelope) ?? []);
    for (const envelope of envelopes) envelope.sent = false;
    this.#waiting = [...envelopes, ...this.#parked, ...this.#waiting];
    this.#parked = EMPTY;
  }

  /** What had to wait for a batch is handled next. */
  unpark(): void {
    if (this.#parked.length > 0) this.putBack();
  }

  /** Those that were put back or came, in order, whatever they wait for. */
  [Symbol.iterator](): IterableIterator<Envelope> {
    return [...this.#waiting, ...this.#parked].values();
  }

  dropSettled(): void {
    this.#waiting = this.#waiting.filter(({ settled }) => !settled);
  }

  /** Until when somebody waits, monotonic ms. */
  get deadline(): number {
    return this.#waiting.reduce((latest, { deadline }) => Math.max(latest, deadline), 0);
  }

  /** Takes the first `count` out, and fails them. */
  fail(count: number, fail: (envelope: Envelope) => void): void {
    const failed = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    for (const envelope of failed) fail(envelope);
  }
}
