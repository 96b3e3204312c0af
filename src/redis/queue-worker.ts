// One partition's worker: a Worker of BullMQ's, made anew where it falls silent.

import type { Job as BullJob, Worker } from "bullmq";
import type { Clock } from "../ports/clock.ts";
import type { Job, Ran, RunJob } from "../ports/jobs.ts";
import type { Bull } from "./bull.ts";
import { QUEUE } from "./bull-adds.ts";
import type { Client } from "./script.ts";

export interface QueueWorkerParts {
  readonly bull: Bull;
  readonly client: Client;
  readonly clock: Clock;
  readonly partition: number;
  readonly prefix: string;
  /** Milliseconds for which a run is its worker's without a sign of life. */
  readonly lockMs: number;
  readonly run: RunJob;
  readonly gaveUp: (job: Job, error: string) => void;
}

/** Runs of one partition at once in one process. */
const CONCURRENCY = 64;
/**
 * How often a job may be cut short with its worker. BullMQ's own limit is once, and then the job has failed for good: a
 * node that is killed twice in the same effect would lose it.
 */
const MAX_STALLED = 1_000_000_000;
/** With jobs waiting and none running, a worker that says nothing for so long is made anew. */
export const SILENT_MS = 15_000;

export class QueueWorker {
  readonly #parts: QueueWorkerParts;
  /** Of the runs under way. */
  readonly #aborts = new Set<AbortController>();
  /** Of each of them, what lets BullMQ go on without it. */
  readonly #leaves = new Set<() => void>();
  #worker: Worker;
  #heardAt: number;
  #ending = false;

  constructor(parts: QueueWorkerParts) {
    this.#parts = parts;
    this.#heardAt = parts.clock.monotonicMs();
    this.#worker = this.#make();
  }

  /** @param waiting jobs on the queue that nothing keeps from being run */
  watch(waiting: number): void {
    const { clock } = this.#parts;
    const now = clock.monotonicMs();
    if (waiting === 0 || this.#aborts.size > 0) this.#heardAt = now;
    if (this.#ending || now - this.#heardAt < SILENT_MS) return;
    // After an outage a worker can be left with a connection that never becomes ready again (bullmq issues 2964, 4585).
    this.#heardAt = now;
    const old = this.#worker;
    this.#worker = this.#make();
    old.close(true).catch(() => {}); // its connection is broken; whatever it says of it is known
  }

  /** Takes no job any more; see `Jobs.end`. */
  async end(deadline: number): Promise<void> {
    const { clock } = this.#parts;
    this.#ending = true;
    const left = Math.max(0, deadline - clock.monotonicMs());
    const abort = setTimeout(() => {
      for (const controller of this.#aborts) controller.abort();
    }, left * PATIENCE);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const giveUp = setTimeout(resolve, left);
    await Promise.race([this.#worker.close().catch(() => {}), late]);
    clearTimeout(abort);
    clearTimeout(giveUp);
    for (const controller of this.#aborts) controller.abort();
  }

  /** Whether there are runs that have not ended. */
  get isBusy(): boolean {
    return this.#aborts.size > 0;
  }

  /**
   * After `end`, where the node goes: a run that does not end must not hold the process, whose BullMQ would renew its lock for
   * ever. Its job is begun again by whoever has the partition, when the lock has run out.
   */
  async abandon(): Promise<void> {
    for (const leave of this.#leaves) leave();
    const late = new Promise<void>((resolve) => setTimeout(resolve, ABANDON_MS).unref());
    await Promise.race([this.#worker.close().catch(() => {}), late]);
  }

  #make(): Worker {
    const { bull, client, prefix, lockMs, gaveUp } = this.#parts;
    const worker = new bull.Worker(QUEUE, (job, token) => this.#process(job, token), {
      connection: client,
      prefix,
      concurrency: CONCURRENCY,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: MAX_STALLED,
      removeOnComplete: { count: 0 },
      runRetryDelay: 500,
    });
    // What fails is tried again by BullMQ, or seen by `watch`; without a listener it would end the process.
    worker.on("error", () => {});
    for (const sign of ["active", "completed", "failed", "drained"] as const)
      worker.on(sign, () => {
        this.#heardAt = this.#parts.clock.monotonicMs();
      });
    worker.on("failed", (job, error) => {
      if (job?.finishedOn != null) gaveUp(this.#jobOf(job, AbortSignal.abort()), error.message);
    });
    return worker;
  }

  /** What it throws tells BullMQ what becomes of the job. */
  async #process(job: BullJob, token: string | undefined): Promise<void> {
    // Fetched while it was told to end: begun by nobody yet.
    if (this.#ending) return await this.#finish({ kind: "back", afterMs: 0 }, job, token);
    const controller = new AbortController();
    this.#aborts.add(controller);
    const { promise: left, resolve } = Promise.withResolvers<null>();
    const leave = (): void => resolve(null);
    this.#leaves.add(leave);
    try {
      const ran = await Promise.race([this.#parts.run(this.#jobOf(job, controller.signal)), left]);
      if (ran === null) throw new this.#parts.bull.DelayedError(); // which has BullMQ leave the job as it is
      await this.#finish(ran, job, token);
    } finally {
      this.#aborts.delete(controller);
      this.#leaves.delete(leave);
    }
  }

  async #finish(ran: Ran, job: BullJob, token: string | undefined): Promise<void> {
    const { bull, clock } = this.#parts;
    switch (ran.kind) {
      case "done":
        return;
      case "failed":
        throw ran.final ? new bull.UnrecoverableError(ran.error) : new Error(ran.error);
      case "back":
        // BullMQ reads this process's clock, so it is told a time of the same clock.
        await job.moveToDelayed(clock.epochMs() + ran.afterMs, token);
        throw new bull.DelayedError();
    }
  }

  #jobOf({ id = "", name, data, attemptsMade, stalledCounter }: BullJob, signal: AbortSignal): Job {
    const attempt = attemptsMade + stalledCounter + 1;
    return { id, partition: this.#parts.partition, name, data: JSON.stringify(data), attempt, signal };
  }
}

/** For BullMQ to close what it has, when nothing is left to wait for. */
const ABANDON_MS = 200;

/** Of the time until the deadline: then runs are told to stop, in time for their jobs to go back. */
const PATIENCE = 0.8;
