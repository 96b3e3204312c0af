// Fires what is due in the partitions of this node: reads the timers whose time has come, by the store's clock, and sends
// each as a message. The commit that handles it checks that the timer still stands, so whatever is done here twice, by two
// owners or by one that reads again, is handled once. Nothing is kept in memory but what is on its way (firings.ts).

import type { SignalPayloads } from "../core/signals.ts";
import type { Clock } from "../ports/clock.ts";
import type { Due, Timers } from "../ports/timers.ts";
import type { Duty } from "./duties.ts";
import { Firings, type Launch } from "./firings.ts";

export interface TimerDutyParts {
  readonly timers: Timers;
  readonly clock: Clock;
  readonly launch: Launch;
  readonly failed: (payload: SignalPayloads["timer-failed"]) => void;
}

/**
 * So often a partition is looked at in which nothing is known to come, milliseconds: the owner hears of timers that its
 * own commits set, and not of those that another node's did (one that hosts a type which the owner does not).
 */
const IDLE_MS = 1_000;
/** Timers on their way at once: of one partition, and of the node. What is due beyond that waits in the store. */
const MOST = 256;
const MOST_OF_ALL = 1_024;
/** A look may take so long, milliseconds. */
const LOOK_MS = 5_000;
const NEVER = Number.POSITIVE_INFINITY;

/** A partition that is looked at. */
interface Watch {
  /** Monotonic ms of the next look. */
  at: number;
  /** Monotonic ms when this node stops looking; never: it owns the partition. */
  until: number;
}

export class TimerDuty implements Duty {
  readonly #timers: Timers;
  readonly #clock: Clock;
  readonly #firings: Firings;
  readonly #watches = new Map<number, Watch>();
  /** Partitions that may have more due than there was room for. */
  readonly #blocked = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = NEVER;
  #looking = false;
  #closed = false;

  constructor({ timers, clock, launch, failed }: TimerDutyParts) {
    this.#timers = timers;
    this.#clock = clock;
    const ended = (partition: number, lookIn: number | null): void => this.#ended(partition, lookIn);
    this.#firings = new Firings({ timers, clock, launch, failed, ended });
  }

  begin(partition: number): void {
    this.#watches.set(partition, { at: this.#clock.monotonicMs(), until: NEVER });
    this.#schedule();
  }

  async end(partition: number, deadline: number): Promise<void> {
    this.#watches.delete(partition);
    await this.#firings.quiet(partition, deadline);
  }

  /** Looks at nothing any more, not even where another node owns the partition. */
  close(): void {
    this.#closed = true;
    this.#watches.clear();
    clearTimeout(this.#timer);
  }

  /**
   * A commit of this node left a timer that is due in `ms`. Where the partition is another node's, that one may look only
   * after the timer's time: then this node looks too, for as long. Two that fire one timer are harmless.
   */
  scheduled(partition: number, ms: number): void {
    if (this.#closed) return;
    const now = this.#clock.monotonicMs();
    const at = now + Math.max(0, ms);
    const watch = this.#watches.get(partition);
    if (watch !== undefined) {
      watch.until = Math.max(watch.until, now + 2 * IDLE_MS);
      if (at >= watch.at) return; // most timers are far away: it is looked at before that anyway
      watch.at = at;
    } else if (ms < IDLE_MS) {
      this.#watches.set(partition, { at, until: now + 2 * IDLE_MS });
    } else {
      return;
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#looking || this.#closed) return;
    let at = NEVER;
    for (const watch of this.#watches.values()) at = Math.min(at, watch.at);
    if (at === this.#wakesAt) return;
    this.#wakesAt = at;
    clearTimeout(this.#timer);
    if (at === NEVER) return;
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, at - this.#clock.monotonicMs()));
    this.#timer.unref(); // an embedded node must not hold a program; all others have connections
  }

  /** One look at all partitions whose time has come: one call to a server, whatever their number. */
  async #look(): Promise<void> {
    this.#wakesAt = NEVER;
    const now = this.#clock.monotonicMs();
    const requests = this.#toLookAt(now);
    if (requests.length > 0) {
      this.#looking = true;
      const found = await this.#timers.due(requests, now + LOOK_MS);
      this.#looking = false;
      for (const [i, { partition, limit }] of requests.entries()) this.#found(partition, limit, found[i]);
    }
    this.#schedule();
  }

  #toLookAt(now: number): { readonly partition: number; readonly limit: number }[] {
    const requests: { readonly partition: number; readonly limit: number }[] = [];
    for (const [partition, watch] of this.#watches) {
      if (watch.until <= now) this.#watches.delete(partition);
      if (watch.until <= now || watch.at > now) continue;
      const own = this.#firings.of(partition);
      const room = Math.min(MOST - own, MOST_OF_ALL - this.#firings.count);
      // Of a timer that is committed while the look is under way this node hears before the look's answer, perhaps.
      watch.at = NEVER;
      // Those that are on their way are due still, and come first.
      if (room > 0) requests.push({ partition, limit: own + room });
      else this.#wait(partition, watch, now);
    }
    return requests;
  }

  #wait(partition: number, watch: Watch, now: number): void {
    this.#blocked.add(partition);
    watch.at = now + IDLE_MS;
  }

  #found(partition: number, limit: number, due: Due | undefined): void {
    const watch = this.#watches.get(partition);
    if (watch === undefined) return; // it is not this node's any more
    const now = this.#clock.monotonicMs();
    if (due?.kind !== "due") {
      watch.at = Math.min(watch.at, now + IDLE_MS);
      return;
    }
    for (const timer of due.timers) {
      if (this.#firings.count < MOST_OF_ALL) this.#firings.fire(partition, timer, due.now);
    }
    const sleep = due.next === null ? IDLE_MS : Math.min(due.next - due.now, IDLE_MS);
    watch.at = Math.min(watch.at, now + sleep);
    if (due.timers.length >= limit) this.#blocked.add(partition);
  }

  /** Half of the room is free before more is read: one look for each that ends would read the others each time. */
  #ended(partition: number, lookIn: number | null): void {
    const now = this.#clock.monotonicMs();
    const watch = this.#watches.get(partition);
    if (watch !== undefined && lookIn !== null) watch.at = Math.min(watch.at, now + lookIn);
    if (this.#firings.count <= MOST_OF_ALL / 2) {
      for (const blocked of this.#blocked) {
        if (this.#firings.of(blocked) > MOST / 2) continue;
        this.#blocked.delete(blocked);
        const waiting = this.#watches.get(blocked);
        if (waiting !== undefined) waiting.at = now;
      }
    }
    this.#schedule();
  }
}
