// The queues of durable effects on Redis: BullMQ's, one in each partition. Twin of memory/jobs.ts.

import type { Job as BullJob, Queue } from "bullmq";
import { reasonOf } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { FailedJob, Job, JobCounts, Jobs, JobsUnavailable, RunJob } from "../ports/jobs.ts";
import { type Bull, loadBull } from "./bull.ts";
import { QUEUE } from "./bull-adds.ts";
import type { KeySpace } from "./keys.ts";
import { QueueWorker } from "./queue-worker.ts";
import type { Client } from "./script.ts";

export interface RedisJobsParts {
  readonly client: Client;
  readonly space: KeySpace;
  readonly partitions: number;
  readonly clock: Clock;
  /** Milliseconds for which a run is its worker's without a sign of life: then others take it for gone. */
  readonly lockMs: number;
}

/** A partition that is worked on. */
interface Post {
  readonly run: RunJob;
  readonly gaveUp: (job: Job, error: string) => void;
  /** Null: nothing was ever put on its queue, so there is no worker, and no connection of its. */
  worker: QueueWorker | null;
  /** Whether it is being looked at whether there is. */
  looking: boolean;
}

/** How often queues are looked at: those without a worker, for jobs that others have put there, and silent workers. */
const LOOK_MS = 2_000;
const PAGE = 100;
/** What BullMQ remembers of what happened on a queue, for whoever watches: its own 10,000 would be 1.2 MB for each. */
const EVENTS = 1_000;

export class RedisJobs implements Jobs {
  readonly #parts: RedisJobsParts;
  readonly #posts = new Map<number, Post>();
  readonly #queues = new Map<number, Queue>();
  /** Workers that were ended, with runs that went on after that. */
  #ended: QueueWorker[] = [];
  #looking: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: RedisJobsParts) {
    this.#parts = parts;
  }

  begin(partition: number, run: RunJob, gaveUp: (job: Job, error: string) => void): void {
    if (this.#closed || this.#posts.has(partition)) return;
    this.#posts.set(partition, { run, gaveUp, worker: null, looking: false });
    this.#looking ??= setInterval(() => this.#lookAtAll(), LOOK_MS).unref();
    void this.#look(partition);
  }

  /** Something was put on the queue by this process. */
  wake(partition: number): void {
    const post = this.#posts.get(partition);
    if (post !== undefined && post.worker === null) void this.#start(partition, post);
  }

  async end(partition: number, deadline: number): Promise<void> {
    const post = this.#posts.get(partition);
    this.#posts.delete(partition);
    const worker = post?.worker ?? null;
    if (worker === null) return;
    await worker.end(deadline);
    this.#ended = [...this.#ended, worker].filter(({ isBusy }) => isBusy);
  }

  async failed(limit: number, deadline: number) {
    return await this.#ask(deadline, async (): Promise<{ kind: "jobs"; jobs: readonly FailedJob[] }> => {
      const found = await this.#each((queue) => queue.getFailed(0, limit - 1));
      return { kind: "jobs", jobs: found.flat().slice(0, limit).map(failedJob) };
    });
  }

  async retry(id: string | null, deadline: number) {
    return await this.#ask(deadline, async () => {
      if (id !== null) return done(await this.#onFailed(id, retry));
      const counts = await this.#each(async (queue) => {
        let count = 0;
        for (;;) {
          const page = await queue.getFailed(0, PAGE - 1);
          const retried = await Promise.all(page.map((job) => attempted(job, retry)));
          const put = retried.filter(Boolean).length;
          count += put;
          if (put === 0) return count; // none is left, or others are at it
        }
      });
      return done(counts.reduce((sum, count) => sum + count, 0));
    });
  }

  async drop(id: string, deadline: number) {
    return await this.#ask(deadline, async () => done(await this.#onFailed(id, (job) => job.remove())));
  }

  async counts(deadline: number) {
    return await this.#ask(deadline, async (): Promise<{ kind: "counts"; counts: JobCounts }> => {
      const all = await this.#each((queue) => queue.getJobCounts("wait", "active", "delayed", "failed"));
      const sum = (name: string): number => all.reduce((total, one) => total + (one[name] ?? 0), 0);
      const counts = {
        waiting: sum("wait"),
        running: sum("active"),
        delayed: sum("delayed"),
        failed: sum("failed"),
      };
      return { kind: "counts", counts };
    });
  }

  /** BullMQ's own, of all partitions, for whatever shows them. */
  async queues(): Promise<readonly { readonly partition: number; readonly queue: Queue }[]> {
    const bull = await loadBull();
    const partitions = Array.from({ length: this.#parts.partitions }, (_, partition) => partition);
    return partitions.map((partition) => ({ partition, queue: this.#queue(bull, partition) }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#looking);
    await Promise.all(this.#ended.map((worker) => worker.abandon()));
    await Promise.all([...this.#queues.values()].map((queue) => queue.close().catch(() => {})));
    this.#parts.client.disconnect();
  }

  #lookAtAll(): void {
    for (const partition of this.#posts.keys()) void this.#look(partition);
  }

  /** Never rejects: what cannot be seen now is looked at again. */
  async #look(partition: number): Promise<void> {
    const post = this.#posts.get(partition);
    if (post === undefined || post.looking) return;
    post.looking = true;
    try {
      if (post.worker === null) {
        if (await this.#isUsed(partition)) await this.#start(partition, post);
      } else {
        post.worker.watch(await this.#parts.client.llen(this.#key(partition, "wait")));
      }
    } catch {
      // The connection is away: for as long as it is, there is nothing to be run.
    } finally {
      post.looking = false;
    }
  }

  async #start(partition: number, post: Post): Promise<void> {
    const bull = await loadBull();
    if (post.worker !== null || this.#posts.get(partition) !== post || this.#closed) return;
    const { client, clock, lockMs, space } = this.#parts;
    const { run, gaveUp } = post;
    const prefix = space.queuePrefix(partition);
    this.#queue(bull, partition); // it tells Redis how much of what happened to keep
    post.worker = new QueueWorker({ bull, client, clock, partition, prefix, lockMs, run, gaveUp });
  }

  /** Whether anything was ever put on the queue: BullMQ counts. */
  async #isUsed(partition: number): Promise<boolean> {
    return (await this.#parts.client.exists(this.#key(partition, "id"))) === 1;
  }

  #key(partition: number, name: string): string {
    return `${this.#parts.space.queuePrefix(partition)}:${QUEUE}:${name}`;
  }

  /** What there is to be said of each queue that was ever used. */
  async #each<T>(ask: (queue: Queue) => Promise<T>): Promise<readonly T[]> {
    const bull = await loadBull();
    const partitions = Array.from({ length: this.#parts.partitions }, (_, partition) => partition);
    const answers = await Promise.all(
      partitions.map(async (partition) =>
        (await this.#isUsed(partition)) ? [await ask(this.#queue(bull, partition))] : [],
      ),
    );
    return answers.flat();
  }

  /** Does something with a job that is kept as failed; how many there were. An id does not tell its partition. */
  async #onFailed(id: string, act: (job: BullJob) => Promise<unknown>): Promise<number> {
    const found = await this.#each(async (queue) => {
      const job = await queue.getJob(id);
      return job !== undefined && (await job.isFailed()) && (await attempted(job, act));
    });
    return found.filter(Boolean).length;
  }

  #queue(bull: Bull, partition: number): Queue {
    const known = this.#queues.get(partition);
    if (known !== undefined) return known;
    const { client, space } = this.#parts;
    const queue = new bull.Queue(QUEUE, {
      connection: client,
      prefix: space.queuePrefix(partition),
      streams: { events: { maxLen: EVENTS } },
      skipVersionCheck: true,
    });
    queue.on("error", () => {}); // each call fails by itself
    this.#queues.set(partition, queue);
    return queue;
  }

  async #ask<T>(deadline: number, work: () => Promise<T>): Promise<T | JobsUnavailable> {
    const { clock } = this.#parts;
    if (this.#closed) return unavailable("this node has closed its queues");
    const { promise: late, resolve } = Promise.withResolvers<JobsUnavailable>();
    const left = deadline - clock.monotonicMs();
    if (left <= 0) return unavailable("there was no time left to ask Redis");
    // A timer may come a little early, and whoever asked tells by the clock whether the deadline has passed.
    const timer = setTimeout(() => resolve(unavailable("Redis did not answer in time")), Math.ceil(left) + 1);
    try {
      return await Promise.race([work().catch((thrown: unknown) => unavailable(reasonOf(thrown))), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function retry(job: BullJob): Promise<void> {
  return job.retry("failed", { resetAttemptsMade: true, resetAttemptsStarted: true });
}

/** False where somebody else was first: then it is not kept as failed any more. */
async function attempted(job: BullJob, act: (job: BullJob) => Promise<unknown>): Promise<boolean> {
  try {
    await act(job);
    return true;
  } catch (thrown) {
    if (await job.isFailed()) throw thrown;
    return false;
  }
}

function done(count: number) {
  return { kind: "done", count } as const;
}

function unavailable(reason: string): JobsUnavailable {
  return { kind: "unavailable", reason };
}

function failedJob({ id = "", name, data, attemptsMade, failedReason }: BullJob): FailedJob {
  return { id, name, data: JSON.stringify(data), attempts: attemptsMade, error: failedReason };
}
