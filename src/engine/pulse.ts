// The beat of a node: when a piece of the program has run, all workers with something new are asked what they need.

import type { Catalog } from "../core/catalog.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Meter } from "../ports/meter.ts";
import { CommitLane } from "./commit-lane.ts";
import { find } from "./finder.ts";
import { forEach } from "./for-each.ts";
import { Loader } from "./loader.ts";
import type { Worker } from "./worker.ts";

export class Pulse {
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #meter: Meter | null;
  readonly #loader: Loader;
  readonly #lanes = new Map<number, CommitLane>();
  #queue: Worker[] = [];
  #beating = false;
  readonly #touch = (worker: Worker): void => this.touch(worker);
  readonly #beatBound = (): void => this.#beat();
  readonly #ask = (worker: Worker): void => {
    worker.queued = false;
    let need = worker.beat();
    if (need === "load" && !this.#loader.add(worker)) need = worker.beat();
    if (need === "commit") this.#laneOf(worker).add(worker);
    else if (need === "find") find(this.#store, worker, this.#touch);
  };
  readonly #wake = (): void => this.#schedule();

  constructor(store: EventStore, catalog: Catalog, clock: Clock, meter: Meter | null) {
    this.#store = store;
    this.#clock = clock;
    this.#meter = meter;
    this.#loader = new Loader(store, catalog, this.#touch);
  }

  /**
   * The worker has something new: it is asked when what runs now has ended, with all callbacks of promises that are due.
   * So what one loop sends goes together, and what the answers of one reply bring; and nobody waits for other I/O.
   */
  touch(worker: Worker): void {
    if (worker.queued) return;
    worker.queued = true;
    this.#queue.push(worker);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#beating) return;
    this.#beating = true;
    process.nextTick(this.#beatBound);
  }

  #beat(): void {
    this.#beating = false;
    const workers = this.#queue;
    this.#queue = [];
    try {
      forEach(workers, this.#ask);
    } finally {
      this.#loader.flush();
      for (const lane of this.#lanes.values()) lane.flush();
    }
  }

  #laneOf({ key }: Worker): CommitLane {
    const number = this.#store.lane(key.partition);
    let lane = this.#lanes.get(number);
    if (lane === undefined) {
      lane = new CommitLane(this.#store, this.#clock, this.#meter, this.#touch, this.#wake);
      this.#lanes.set(number, lane);
    }
    return lane;
  }
}
