// The timers of an embedded log, by entity and by due time.

import type { Commit, EntityKey, FiringStep } from "../ports/event-store.ts";
import type { StoredTimer } from "../ports/timers.ts";

interface Pending {
  /** When it is to be fired, epoch ms: its due time, or later where it was put off. */
  readonly at: number;
  readonly key: EntityKey;
  readonly name: string;
}

const NONE: readonly never[] = [];
const NO_TIMERS: ReadonlyMap<string, StoredTimer> = new Map();

export class TimerTable {
  readonly #timers = new Map<string, Map<string, StoredTimer>>();
  /** By partition, in the order of their times: a timer is found by halving, and there are few partitions. */
  readonly #pending = new Map<number, Pending[]>();
  /** Where each stands in its list. */
  readonly #listed = new Map<StoredTimer, Pending>();

  of({ id }: EntityKey): ReadonlyMap<string, StoredTimer> {
    return this.#timers.get(id) ?? NO_TIMERS;
  }

  /** The firings of a commit, by their places, whose timers do not stand any more as they were read. */
  gone({ key, firings = NONE }: Commit): readonly number[] {
    return firings.flatMap((firing, i) => (this.stands(key, firing) ? [] : [i]));
  }

  stands(key: EntityKey, { name, generation, dueAt }: Omit<FiringStep, "missed">): boolean {
    const timer = this.of(key).get(name);
    return timer?.generation === generation && timer.dueAt === dueAt;
  }

  /** What a commit does: its firings first, then what it sets and takes away. */
  write({ key, type, firings = NONE, timers = NONE, destroy }: Commit): void {
    for (const { name, missed } of firings) {
      const { parked: _, ...timer } = this.of(key).get(name) ?? {};
      if (!("generation" in timer)) continue;
      const { everyMs, dueAt } = timer;
      if (everyMs === null) this.remove(key, name);
      else this.put(key, { ...timer, dueAt: dueAt + everyMs * (missed + 1), tries: 0, parked: null });
    }
    for (const { name, set } of timers) {
      if (set === null) this.remove(key, name);
      else this.put(key, { ...set, name, type, tries: 0, parked: null });
    }
    if (destroy === true) for (const name of [...this.of(key).keys()]) this.remove(key, name);
  }

  /** @param at when it is to be fired; null: not at all */
  put(key: EntityKey, timer: StoredTimer, at: number | null = timer.dueAt): void {
    this.#unlist(key, timer.name);
    let own = this.#timers.get(key.id);
    if (own === undefined) {
      own = new Map();
      this.#timers.set(key.id, own);
    }
    own.set(timer.name, timer);
    if (at === null) return;
    const list = this.#listOf(key.partition);
    const pending = { at, key, name: timer.name };
    list.splice(placeOf(list, at), 0, pending);
    this.#listed.set(timer, pending);
  }

  remove(key: EntityKey, name: string): void {
    this.#unlist(key, name);
    const own = this.#timers.get(key.id);
    own?.delete(name);
    if (own?.size === 0) this.#timers.delete(key.id);
  }

  /** Those of a partition whose time has come, and the time of the first one after them. */
  due(partition: number, now: number, limit: number) {
    const list = this.#listOf(partition);
    const end = placeOf(list, now);
    const timers = list
      .slice(0, Math.min(end, limit))
      .map(({ key, name }) => ({ id: key.id, name, timer: this.of(key).get(name) ?? null }));
    return { timers, next: list[end]?.at ?? null };
  }

  #listOf(partition: number): Pending[] {
    const found = this.#pending.get(partition);
    if (found !== undefined) return found;
    const made: Pending[] = [];
    this.#pending.set(partition, made);
    return made;
  }

  #unlist(key: EntityKey, name: string): void {
    const timer = this.of(key).get(name);
    const pending = timer === undefined ? undefined : this.#listed.get(timer);
    if (timer === undefined || pending === undefined) return;
    this.#listed.delete(timer);
    const list = this.#listOf(key.partition);
    list.splice(list.lastIndexOf(pending, placeOf(list, pending.at) - 1), 1);
  }
}

/** The place behind all whose time is `at` or before. */
function placeOf(list: readonly Pending[], at: number): number {
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((list[middle]?.at ?? 0) <= at) from = middle + 1;
    else to = middle;
  }
  return from;
}
