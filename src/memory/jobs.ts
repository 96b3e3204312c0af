// The queues of durable effects in this process's memory, gone with it. Twin of redis/jobs.ts.

import type { Clock } from "../ports/clock.ts";
import type { NewJob } from "../ports/event-store.ts";
import type { FailedJob, Job, Jobs, JobsUnavailable, Ran, RunJob } from "../ports/jobs.ts";
import { later } from "./later.ts";

interface Kept {
  readonly job: NewJob;
  failures: number;
  /** Monotonic ms from which on it may be run. */
  dueAt: number;
  state: "waiting" | "running" | "failed";
  error: string;
}

/** What the clients of a network share: the jobs of each partition, in the order in which they came. */
export class MemoryQueues {
  readonly #clock: Clock;
  readonly #kept = new Map<number, Map<string, Kept>>();
  readonly #wakers = new Set<(partition: number) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The jobs of a commit that is being written. */
  add(partition: number, jobs: readonly NewJob[]): void {
    const now = this.#clock.monotonicMs();
    for (const job of jobs) {
      const kept: Kept = { job, failures: 0, dueAt: now + job.delayMs, state: "waiting", error: "" };
      this.of(partition).set(job.id, kept);
    }
    this.wake(partition);
  }

  of(partition: number): Map<string, Kept> {
    let queue = this.#kept.get(partition);
    if (queue === undefined) {
      queue = new Map();
      this.#kept.set(partition, queue);
    }
    return queue;
  }

  get all(): readonly (readonly [partition: number, kept: Kept])[] {
    return [...this.#kept].flatMap(([partition, queue]) =>
      [...queue.values()].map((kept) => [partition, kept] as const),
    );
  }

  wake(partition: number): void {
    for (const waker of this.#wakers) waker(partition);
  }

  onWake(waker: (partition: number) => void): () => void {
    this.#wakers.add(waker);
    return () => this.#wakers.delete(waker);
  }
}

/** A partition that is worked on. */
interface Post {
  readonly run: RunJob;
  readonly gaveUp: (job: Job, error: string) => void;
  readonly running: Map<AbortController, Promise<void>>;
  timer: NodeJS.Timeout | undefined;
}

const CONCURRENCY = 64;

export class MemoryJobs implements Jobs {
  readonly #clock: Clock;
  readonly #queues: MemoryQueues;
  readonly #posts = new Map<number, Post>();
  readonly #unhear: () => void;
  #closed = false;

  /** @param queues another client with the same ones works on the same jobs */
  constructor(clock: Clock, queues: MemoryQueues) {
    this.#clock = clock;
    this.#queues = queues;
    this.#unhear = queues.onWake((partition) => this.#fill(partition));
  }

  begin(partition: number, run: RunJob, gaveUp: (job: Job, error: string) => void): void {
    if (this.#closed || this.#posts.has(partition)) return;
    this.#posts.set(partition, { run, gaveUp, running: new Map(), timer: undefined });
    this.#fill(partition);
  }

  async end(partition: number, deadline: number): Promise<void> {
    const post = this.#posts.get(partition);
    if (post === undefined) return;
    this.#posts.delete(partition);
    clearTimeout(post.timer);
    const left = Math.max(0, deadline - this.#clock.monotonicMs());
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const abort = setTimeout(() => abortAll(post), left * PATIENCE);
    const giveUp = setTimeout(resolve, left);
    await Promise.race([Promise.all(post.running.values()), late]);
    clearTimeout(abort);
    clearTimeout(giveUp);
    abortAll(post);
  }

  async failed(limit: number, deadline: number) {
    const jobs = this.#failed().map(({ job: { id, name, data }, failures: attempts, error }): FailedJob => {
      return { id, name, data, attempts, error };
    });
    return await later(
      this.#unavailable(deadline) ?? ({ kind: "jobs", jobs: jobs.slice(0, limit) } as const),
    );
  }

  async retry(id: string | null, deadline: number) {
    const unavailable = this.#unavailable(deadline);
    if (unavailable !== null) return await later(unavailable);
    let count = 0;
    for (const [partition, kept] of this.#queues.all) {
      if (kept.state !== "failed" || (id !== null && kept.job.id !== id)) continue;
      Object.assign(kept, { state: "waiting", failures: 0, dueAt: this.#clock.monotonicMs() });
      count += 1;
      this.#queues.wake(partition);
    }
    return await later({ kind: "done", count } as const);
  }

  async drop(id: string, deadline: number) {
    const unavailable = this.#unavailable(deadline);
    if (unavailable !== null) return await later(unavailable);
    const found = this.#queues.all.filter(([, { state, job }]) => state === "failed" && job.id === id);
    for (const [partition] of found) this.#queues.of(partition).delete(id);
    return await later({ kind: "done", count: found.length } as const);
  }

  async counts(deadline: number) {
    const now = this.#clock.monotonicMs();
    const counts = { waiting: 0, running: 0, delayed: 0, failed: 0 };
    for (const [, { state, dueAt }] of this.#queues.all)
      counts[state === "waiting" && dueAt > now ? "delayed" : state] += 1;
    return await later(this.#unavailable(deadline) ?? ({ kind: "counts", counts } as const));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unhear();
  }

  #failed(): readonly Kept[] {
    return this.#queues.all.flatMap(([, kept]) => (kept.state === "failed" ? [kept] : [])).reverse();
  }

  /** Begins what is due, as much as may run at once, and comes back for what is not. */
  #fill(partition: number): void {
    const post = this.#posts.get(partition);
    if (post === undefined) return;
    clearTimeout(post.timer);
    const now = this.#clock.monotonicMs();
    let next = Infinity;
    for (const kept of this.#queues.of(partition).values()) {
      if (kept.state !== "waiting") continue;
      if (kept.dueAt > now) next = Math.min(next, kept.dueAt);
      else if (post.running.size < CONCURRENCY) this.#start(partition, post, kept);
    }
    if (next < Infinity)
      post.timer = setTimeout(() => this.#fill(partition), Math.min(next - now, LONGEST_MS));
  }

  #start(partition: number, post: Post, kept: Kept): void {
    kept.state = "running";
    const controller = new AbortController();
    const { id, name, data } = kept.job;
    const job: Job = {
      id,
      partition,
      name,
      data,
      attempt: kept.failures + 1,
      signal: controller.signal,
    };
    // Not in this turn of the loop: the commit that brought it is to be answered first.
    const run = later(undefined)
      .then(() => post.run(job))
      .then((ran) => this.#ended(partition, post, kept, job, ran))
      .then(() => {
        post.running.delete(controller);
        this.#queues.wake(partition);
      });
    post.running.set(controller, run);
  }

  #ended(partition: number, post: Post, kept: Kept, job: Job, ran: Ran): void {
    const now = this.#clock.monotonicMs();
    if (ran.kind === "done") {
      this.#queues.of(partition).delete(job.id);
    } else if (ran.kind === "back") {
      Object.assign(kept, { state: "waiting", dueAt: now + ran.afterMs });
    } else {
      kept.failures += 1;
      kept.error = ran.error;
      if (ran.final || kept.failures >= kept.job.attempts) {
        kept.state = "failed";
        post.gaveUp(job, ran.error);
      } else {
        Object.assign(kept, { state: "waiting", dueAt: now + kept.job.backoffMs * 2 ** (kept.failures - 1) });
      }
    }
  }

  #unavailable(deadline: number): JobsUnavailable | null {
    if (this.#closed) return { kind: "unavailable", reason: "this node has closed its queues" };
    if (this.#clock.monotonicMs() < deadline) return null;
    return { kind: "unavailable", reason: "there was no time left to ask" };
  }
}

/** Of the time until the deadline: then runs are told to stop, in time for their jobs to go back. */
const PATIENCE = 0.8;
/** The longest that a timer can wait is 24 days; whoever wakes early looks, and waits again. */
const LONGEST_MS = 86_400_000;

function abortAll({ running }: Post): void {
  for (const controller of running.keys()) controller.abort();
}
