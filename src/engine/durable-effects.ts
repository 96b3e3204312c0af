// Durable effects: the jobs of a partition's queue are run where the partition is. A duty like others: two nodes may do it
// at once; the queue's locks keep them from each other's jobs as far as can be, and what is left is "at least once".
//
//   1  is its commit in the log still? If Redis came back without it, nothing of it may be done
//   2  the effect of the user's, or `tell` (teller.ts); where this node does not define it, a node that does (handover.ts)
//   3  what becomes of the job

import type { Catalog } from "../core/catalog.ts";
import { type EffectJob, parseEffectJob } from "../core/durable.ts";
import { PachydermError, reasonOf } from "../core/errors.ts";
import { partitionOf } from "../core/partition.ts";
import type { SignalPayloads } from "../core/signals.ts";
import { TELL } from "../core/tell.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Job, Jobs, Ran } from "../ports/jobs.ts";
import type { Duty } from "./duties.ts";
import { Gates } from "./gates.ts";

/** A job of ours, read. */
export interface EffectRun {
  readonly job: Job;
  readonly effect: EffectJob;
}

export interface DurableEffectsParts {
  readonly jobs: Jobs;
  readonly store: EventStore;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly partitions: number;
  /** Dispatches of one effect at once, where its definition does not say. */
  readonly concurrency: number;
  /** Given to `dispatch` where the sender gave none. */
  readonly config: unknown;
  readonly failed: (payload: SignalPayloads["effect-failed"]) => void;
  /** Runs what `tell` has put on the queue. */
  readonly tell: (run: EffectRun) => Promise<Ran>;
  /** Has another node run it. Null: there is none that defines the effect, or none that answers. */
  readonly handOver: (run: EffectRun) => Promise<Ran | null>;
}

/** How long the log is asked about a commit, milliseconds; then the job goes back, and is tried again. */
const ASK_MS = 2_000;
/** When a job goes back for a reason that will pass. */
const SOON_MS = 500;
/** When nobody defines the effect: somebody may be started who does. */
const LATER_MS = 2_000;

export class DurableEffects implements Duty {
  readonly #parts: DurableEffectsParts;
  readonly #gates = new Gates();
  #dropped = 0;

  constructor(parts: DurableEffectsParts) {
    this.#parts = parts;
  }

  /** Jobs that were not run, since their commits were lost with a part of the log. */
  get dropped(): number {
    return this.#dropped;
  }

  begin(partition: number): void {
    this.#parts.jobs.begin(
      partition,
      (job) => this.#run(job).catch((thrown) => ({ kind: "failed", error: reasonOf(thrown), final: false })),
      (job, error) => this.#gaveUp(job, error),
    );
  }

  async end(partition: number, deadline: number): Promise<void> {
    await this.#parts.jobs.end(partition, deadline);
  }

  /** Dispatches an effect that this node defines. What is thrown is the job's failure. */
  async dispatch({ job, effect }: EffectRun): Promise<Ran> {
    const definition = this.#parts.catalog.effect(job.name);
    if (definition === undefined) return back(LATER_MS);
    const { concurrency = this.#parts.concurrency } = definition.durable ?? {};
    const { reference, version, payload, config = this.#parts.config } = effect;
    const context = { effectId: job.id, attempt: job.attempt, reference, version, signal: job.signal };
    const leave = await this.#gates.enter(job.name, concurrency);
    try {
      if (job.signal.aborted) return back(0);
      await definition.dispatch(payload, config, context);
      return { kind: "done" };
    } catch (thrown) {
      // Told to stop, it has stopped: that is not its failure.
      return job.signal.aborted ? back(0) : { kind: "failed", error: wordsOf(thrown), final: false };
    } finally {
      leave();
    }
  }

  async #run(job: Job): Promise<Ran> {
    const effect = parseEffectJob(job.data);
    if (effect === undefined) return { kind: "failed", error: "the job's data cannot be read", final: true };
    const { jobs: _, store, clock, partitions, catalog, tell, handOver } = this.#parts;
    const { reference, version, commitId } = effect;
    const key = { id: reference.id, partition: partitionOf(reference.id, partitions) };
    const standing = await store.stands(key, { version, commitId }, clock.monotonicMs() + ASK_MS);
    if (standing.kind === "unavailable") return back(SOON_MS);
    if (standing.kind === "lost") {
      this.#dropped += 1;
      return { kind: "done" };
    }
    // Unreadable: somebody has put something else there, and what was committed was committed.
    const run = { job, effect };
    if (job.name === TELL) return await tell(run);
    if (catalog.effect(job.name) !== undefined) return await this.dispatch(run);
    return (await handOver(run)) ?? back(LATER_MS);
  }

  #gaveUp(job: Job, reason: string): void {
    const effect = parseEffectJob(job.data);
    const { reference, version } = effect ?? { reference: { type: "", id: "" }, version: 0 };
    const error = new PachydermError("HANDLER_FAILED", `the effect ${job.name} failed: ${reason}`);
    this.#parts.failed({ effect: job.name, effectId: job.id, reference, version, error });
  }
}

/** It is kept with the job, and shown in lists. */
function wordsOf(thrown: unknown): string {
  const reason = reasonOf(thrown);
  return reason.length > LONGEST_ERROR ? `${reason.slice(0, LONGEST_ERROR)} …` : reason;
}

const LONGEST_ERROR = 2_000;

export function back(afterMs: number): Ran {
  return { kind: "back", afterMs };
}
