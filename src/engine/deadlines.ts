// Every send has a deadline, and every promise settles: one coarse tick for all of them.

import type { Clock } from "../ports/clock.ts";
import { Chain, type Link } from "./chain.ts";

export interface Expiring<T> extends Link<T> {
  /** Monotonic milliseconds. */
  readonly deadline: number;
  expire(): void;
}

/** How late an expiry may be, milliseconds. */
const TICK_MS = 10;

/**
 * Items in buckets of one tick each. A timer of its own for each send would cost as much as its commit; a heap
 * would pay for order that nobody needs.
 */
export class Deadlines<T extends Expiring<T>> {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Chain<T>>();
  /** The bucket that was used last, and its tick: what comes together ends together. */
  #tick = Number.NaN;
  #bucket: Chain<T> | undefined;
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(item: T): void {
    const tick = this.#tickOf(item);
    let bucket = this.#bucketOf(tick);
    if (bucket === undefined) {
      bucket = new Chain<T>();
      this.#buckets.set(tick, bucket);
      this.#bucket = bucket;
    }
    bucket.append(item);
    if (this.#timer === null) this.#start();
  }

  /** The item must have been added, and not removed or expired since. */
  remove(item: T): void {
    this.#bucketOf(this.#tickOf(item))?.remove(item);
  }

  #bucketOf(tick: number): Chain<T> | undefined {
    if (tick === this.#tick) return this.#bucket;
    this.#tick = tick;
    this.#bucket = this.#buckets.get(tick);
    return this.#bucket;
  }

  /** A bucket that is out of the map is not to be found any more. */
  #forget(): void {
    this.#tick = Number.NaN;
    this.#bucket = undefined;
  }

  /** Those that are in it now. */
  all(): readonly T[] {
    const items: T[] = [];
    for (const bucket of this.#buckets.values())
      for (let item = bucket.first; item !== null; item = item.next) items.push(item);
    return items;
  }

  /** Takes all items out, and hands each over. */
  clear(handle: (item: T) => void): void {
    const buckets = [...this.#buckets.values()];
    this.#buckets.clear();
    this.#forget();
    for (const bucket of buckets) empty(bucket, handle);
    this.#stop();
  }

  #tickOf(item: T): number {
    return Math.ceil(item.deadline / TICK_MS);
  }

  #start(): void {
    this.#timer = setInterval(() => this.#sweep(), TICK_MS);
    this.#timer.unref(); // whoever waits for an answer has a connection open; an embedded node must not hold a program
  }

  #sweep(): void {
    const now = Math.floor(this.#clock.monotonicMs() / TICK_MS);
    for (const [tick, bucket] of this.#buckets) {
      if (tick > now) continue;
      this.#buckets.delete(tick);
      this.#forget();
      empty(bucket, (item) => item.expire());
    }
    if (this.#buckets.size === 0) this.#stop();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** The bucket must be out of the map: an item that is handled settles, and asks to be removed. */
function empty<T extends Link<T>>(bucket: Chain<T>, handle: (item: T) => void): void {
  for (let item = bucket.first; item !== null; item = bucket.first) {
    bucket.remove(item);
    handle(item);
  }
}
