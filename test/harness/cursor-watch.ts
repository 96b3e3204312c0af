// Watches the cursors of a subscription under load. Each look is kept with how much had been delivered by then, so that it can be
// told afterwards from the log whether a cursor was ever past what had not been handled.

import { parseLogCursor } from "../../src/core/log-cursor.ts";
import { compareEntries, comparePlaces, type LogPlace } from "../../src/core/log-place.ts";
import type { Pachyderm } from "../../src/index.ts";
import { type Logged, PARTITIONS, type Stage } from "./subscribers.ts";
import { until } from "./until.ts";

interface Look {
  readonly places: readonly LogPlace[];
  /** Deliveries that were written down when the places had been read. */
  readonly delivered: number;
}

export class CursorWatch {
  readonly #stage: Stage;
  readonly #node: Pachyderm;
  readonly #looks: Look[] = [];
  /** Deliveries before that do not count. */
  readonly #from: number;
  readonly #began: Promise<readonly LogPlace[]>;
  readonly #watching: Promise<void>;
  #over = false;

  /**
   * Between two watches the cursors may be moved back: then what is past the place must be delivered again.
   * @param from how many deliveries there were before they were moved
   */
  constructor(stage: Stage, node: Pachyderm, from: number) {
    this.#stage = stage;
    this.#node = node;
    this.#from = from;
    this.#began = this.#places();
    this.#watching = this.#watch();
    this.#watching.catch(() => {}); // `end` tells
  }

  get looks(): number {
    return this.#looks.length;
  }

  /** @throws Error if a cursor went back */
  async end(): Promise<void> {
    this.#over = true;
    await this.#watching;
  }

  /**
   * What was passed by a cursor before it was delivered, of what was before it when the watch began.
   * @param log the whole log of each partition
   */
  async passed(log: readonly (readonly Logged[])[]): Promise<readonly Logged[]> {
    const first = new Map<string, number>();
    const delivered = this.#stage.delivered.all();
    for (let i = this.#from; i < delivered.length; i++) {
      const key = `${delivered[i]?.id} ${delivered[i]?.version}`;
      if (!first.has(key)) first.set(key, i);
    }
    const began = await this.#began;
    const passed: Logged[] = [];
    log.forEach((events, partition) => {
      const looks = this.#looks[Symbol.iterator]();
      let look = looks.next();
      for (const event of events) {
        if (isBehind(event, began[partition])) continue;
        // The first look that saw it behind the cursor: it was delivered by then.
        while (look.done !== true && !isBehind(event, look.value.places[partition])) look = looks.next();
        if (look.done === true) break;
        const at = first.get(`${event.id} ${event.version}`);
        if (at === undefined || at >= look.value.delivered) passed.push(event);
      }
    });
    return passed;
  }

  async #places(): Promise<readonly LogPlace[]> {
    const cursor = await this.#node.subscription("all").cursor();
    return parseLogCursor(this.#stage.network, PARTITIONS, cursor);
  }

  async #watch(): Promise<void> {
    let before = await this.#began;
    while (!this.#over) {
      const places = await this.#places();
      const seen = this.#stage.delivered.all().length; // after the cursors: what they are past is in it
      const back = before.findIndex((place, i) => comparePlaces(place, places[i] ?? place) > 0);
      if (back >= 0) throw new Error(`the cursor of partition ${back} went back from ${before[back]?.entry}`);
      this.#looks.push({ places, delivered: seen });
      before = places;
      const isNew = (): boolean => this.#over || this.#stage.delivered.all().length > seen;
      await until("more is delivered", isNew, 60_000);
    }
  }
}

/** Whether a cursor at the place is past it. */
export function isBehind({ entry, number }: Logged, place: LogPlace | undefined): boolean {
  if (place === undefined) return false;
  const order = compareEntries(entry, place.entry);
  return order < 0 || (order === 0 && (place.done === 0 || number <= place.done));
}
