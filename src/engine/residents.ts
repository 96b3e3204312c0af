// The workers in memory: found by id, let go when idle for long or when there are too many.

import type { EntityKey } from "../ports/event-store.ts";
import { Chain } from "./chain.ts";
import { Worker } from "./worker.ts";
import type { WorkerHost } from "./worker-host.ts";

export interface ResidentLimits {
  /** Workers in memory; more only while all of them are at work. */
  readonly resident: number;
  /** Milliseconds without a message, where the entity's definition does not say. */
  readonly idleMs: number;
}

export class Residents {
  readonly #host: WorkerHost;
  readonly #limits: ResidentLimits;
  readonly #byId = new Map<string, Worker>();
  /** Least recently used first. */
  readonly #chain = new Chain<Worker>();

  constructor(host: WorkerHost, limits: ResidentLimits) {
    this.#host = host;
    this.#limits = limits;
  }

  get count(): number {
    return this.#byId.size;
  }

  /** The worker of an entity, cold if it was not there; it becomes the most recently used one. */
  use(id: string, partitionOf: (id: string) => number, now: number): Worker {
    let worker = this.#byId.get(id);
    if (worker === undefined) {
      this.#makeRoom();
      const key: EntityKey = { id, partition: partitionOf(id) };
      worker = new Worker(key, this.#host);
      this.#byId.set(id, worker);
    } else {
      this.#chain.remove(worker);
    }
    worker.usedAt = now;
    this.#chain.append(worker);
    return worker;
  }

  /** Lets go of all that were idle for their time. */
  passivate(now: number): void {
    for (let worker = this.#chain.first; worker !== null; ) {
      const following: Worker | null = worker.next;
      if (worker.isIdle && now - worker.usedAt >= (worker.definition?.idleMs ?? this.#limits.idleMs))
        this.#release(worker);
      worker = following;
    }
  }

  /** Lets go of those of a partition that are not at work; how many are. */
  evict(partition: number): number {
    let busy = 0;
    for (let worker = this.#chain.first; worker !== null; ) {
      const following: Worker | null = worker.next;
      if (worker.key.partition === partition) {
        if (worker.isIdle) this.#release(worker);
        else busy += 1;
      }
      worker = following;
    }
    return busy;
  }

  #makeRoom(): void {
    // Busy ones are passed by: their senders wait. So the bound may be exceeded by as many as are at work.
    for (let worker = this.#chain.first; worker !== null && this.#byId.size >= this.#limits.resident; ) {
      const following: Worker | null = worker.next;
      if (worker.isIdle) this.#release(worker);
      worker = following;
    }
  }

  #release(worker: Worker): void {
    this.#chain.remove(worker);
    this.#byId.delete(worker.key.id);
  }
}
