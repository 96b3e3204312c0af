// Brings cold entities into memory: many in one call, long tails in pages.

import { PachydermError } from "../core/errors.ts";
import type { EventStore, Loaded, LoadRequest } from "../ports/event-store.ts";
import type { Replay } from "./replay.ts";
import type { LoadNeed, Worker } from "./worker.ts";

/** Entities in one call: with the first page of each, a call takes some milliseconds of Redis at most. */
const CALL_LOADS = 64;
/** Records read at once beyond the first page of a load. */
const TAIL_PAGE = 2_000;

interface Wanted {
  readonly worker: Worker;
  readonly need: LoadNeed;
}

export class Loader {
  readonly #store: EventStore;
  readonly #touch: (worker: Worker) => void;
  #wanted = new Map<number, Wanted[]>();

  constructor(store: EventStore, touch: (worker: Worker) => void) {
    this.#store = store;
    this.#touch = touch;
  }

  add(worker: Worker): void {
    const need = worker.startLoad();
    if (need === undefined) return;
    const lane = this.#store.lane(worker.key.partition);
    const wanted = this.#wanted.get(lane);
    if (wanted === undefined) this.#wanted.set(lane, [{ worker, need }]);
    else wanted.push({ worker, need });
  }

  flush(): void {
    if (this.#wanted.size === 0) return;
    const lanes = this.#wanted;
    this.#wanted = new Map();
    for (const wanted of lanes.values()) {
      for (let i = 0; i < wanted.length; i += CALL_LOADS) this.#load(wanted.slice(i, i + CALL_LOADS));
    }
  }

  #load(call: readonly Wanted[]): void {
    const requests = call.map(({ worker, need }): LoadRequest => ({ key: worker.key, schema: need.schema }));
    const deadline = call.reduce((latest, { need }) => Math.max(latest, need.deadline), 0);
    // The port says that this cannot fail; were it to, senders must hear of it, and not wait for ever.
    this.#store.load(requests, deadline).then(
      (answers) => this.#answered(call, (i) => answers[i]),
      (thrown: unknown) => this.#answered(call, () => ({ kind: "unavailable", reason: String(thrown) })),
    );
  }

  #answered(call: readonly Wanted[], answerOf: (i: number) => Loaded | undefined): void {
    call.forEach(({ worker, need }, i) => {
      const answer = answerOf(i) ?? { kind: "unavailable", reason: "the store gave no answer for this load" };
      if (answer.kind !== "loaded") {
        worker.loadFailed(loadError(answer));
      } else {
        const tail = worker.loaded(answer.snapshot, answer.records, answer.more);
        if (tail !== undefined) {
          this.#readTail(worker, tail, need.deadline);
          return;
        }
      }
      this.#touch(worker);
    });
  }

  /**
   * A long tail, in pages, one read ahead of the fold. Each page begins at the last record before it, whose commit
   * is compared: a log that is rolled back between two pages must not be folded from two histories.
   */
  async #readTail(worker: Worker, replay: Replay, deadline: number): Promise<void> {
    const read = (from: number) => this.#store.read(worker.key, from, TAIL_PAGE, deadline);
    try {
      let page = read(replay.version);
      for (let more = true; more; ) {
        const answer = await page;
        if (answer.kind !== "loaded") throw loadError(answer);
        const last = answer.records.at(-1);
        if (answer.more && last !== undefined) page = read(last.version);
        more = worker.tail(replay, answer.records, answer.more);
      }
    } catch (thrown) {
      worker.loadFailed(thrown);
    }
    this.#touch(worker);
  }
}

function loadError({ kind, reason }: Exclude<Loaded, { kind: "loaded" }>): PachydermError {
  return new PachydermError(kind === "unreadable" ? "UNREADABLE_EVENT" : "STORE_UNAVAILABLE", reason);
}
