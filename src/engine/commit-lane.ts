// Sixth step of a send (before: batch.ts, after: worker.ts): gathers commits of many entities into one call to the store,
// one call at a time. While it is under way, the batches that wait for the next one go on taking messages: so load makes
// calls larger, not more.

import type { Clock } from "../ports/clock.ts";
import type { CommitResult, EventStore } from "../ports/event-store.ts";
import type { Meter } from "../ports/meter.ts";
import { forEach } from "./for-each.ts";
import type { Worker } from "./worker.ts";

/** Bounds of one script call: it holds up everybody else on that Redis for as long as it runs (about 1 ms). */
const CALL_COMMITS = 128;
const CALL_RECORDS = 1_024;
const CALL_CHARACTERS = 1024 * 1024;
/** Of fewer commits a call beside another is not worth what it costs. */
const LEAST = 16;
/** A job takes a server as long as so many records. */
const JOB_RECORDS = 16;

export class CommitLane {
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #meter: Meter | null;
  readonly #touch: (worker: Worker) => void;
  readonly #wake: () => void;
  /**
   * Workers with a batch that is ready, each once: those that are `boarding`. A list and not a Set: the tables that a
   * busy Set outgrows keep each other, and what is in them, from the collector of young objects.
   */
  #waiting: Worker[] = [];
  /** Calls under way, and the commits in them. */
  #calls = 0;
  #flying = 0;

  /** @param wake asks for a beat, which flushes the lanes */
  constructor(
    store: EventStore,
    clock: Clock,
    meter: Meter | null,
    touch: (worker: Worker) => void,
    wake: () => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#meter = meter;
    this.#touch = touch;
    this.#wake = wake;
  }

  add(worker: Worker): void {
    if (worker.boarding) return;
    worker.boarding = true;
    this.#waiting.push(worker);
  }

  /**
   * Sends what waits, unless as many calls are under way as the store wants, each no larger than its share of all commits
   * that are there: of a large and a small one the store would wait for the small one's answers to be handled.
   */
  flush(): void {
    while (this.#waiting.length >= (this.#calls === 0 ? 1 : LEAST) && this.#calls < this.#store.calls) {
      const share = Math.ceil((this.#flying + this.#waiting.length) / this.#store.calls);
      this.#send(Math.min(CALL_COMMITS, Math.max(LEAST, share)));
    }
  }

  /** One call, of so many commits at most. */
  #send(most: number): void {
    const workers: Worker[] = [];
    const commits = [];
    let records = 0;
    let characters = 0;
    let deadline = 0;
    let boarded = 0;
    for (const worker of this.#waiting) {
      if (commits.length >= most || records >= CALL_RECORDS || characters >= CALL_CHARACTERS) break;
      boarded += 1;
      worker.boarding = false;
      const batch = worker.takeOff();
      if (batch === undefined) {
        if (worker.hasWork) this.#touch(worker);
        continue;
      }
      const commit = batch.toCommit(worker.key);
      this.#meter?.batched(batch.entries.length);
      workers.push(worker);
      commits.push(commit);
      records += batch.recordCount + batch.jobCount * JOB_RECORDS;
      characters += batch.characters + (commit.snapshot?.state.length ?? 0);
      deadline = Math.max(deadline, batch.deadline);
    }
    this.#waiting = boarded === this.#waiting.length ? [] : this.#waiting.slice(boarded);
    if (commits.length === 0) return;
    this.#calls += 1;
    this.#flying += commits.length;
    const calledAt = this.#meter === null ? 0 : this.#clock.monotonicMs();
    // The port says that this cannot fail; were it to, senders must hear `unknown`, and not wait for ever.
    this.#store.commit(commits, deadline).then(
      (results) => {
        this.#meter?.called(this.#clock.monotonicMs() - calledAt, commits.length);
        this.#landed(workers, (i) => results[i]);
      },
      (thrown: unknown) => this.#landed(workers, () => ({ kind: "unknown", reason: String(thrown) })),
    );
  }

  #landed(workers: readonly Worker[], resultOf: (i: number) => CommitResult | undefined): void {
    this.#calls -= 1;
    this.#flying -= workers.length;
    // What waited for the lane goes with the next beat, together with what the answers now given bring.
    this.#wake();
    forEach(workers, (worker, i) => {
      worker.landed(resultOf(i) ?? { kind: "unknown", reason: "the store gave no answer for this commit" });
      this.#goOn(worker);
    });
  }

  /** After a commit: the next beat, or a pause where others keep winning. */
  #goOn(worker: Worker): void {
    const { pause } = worker;
    if (pause === 0) {
      if (worker.hasWork) this.#touch(worker);
      return;
    }
    worker.startPause();
    setTimeout(() => {
      worker.endPause();
      this.#touch(worker);
    }, pause);
  }
}
