// What a program sees of its durable effects: `pachyderm.effects`.

import { parseEffectJob } from "../core/durable.ts";
import { PachydermError } from "../core/errors.ts";
import type { Reference } from "../core/reference.ts";
import { unanswered } from "../engine/unanswered.ts";
import type { Clock } from "../ports/clock.ts";
import type { FailedJob, JobCounts, Jobs, JobsUnavailable } from "../ports/jobs.ts";
import type { BullQueue } from "../redis/bull.ts";

/** A durable effect that has failed as often as it may. It stays until it is retried or dropped. */
export interface FailedEffect {
  /** The `effectId` that its `dispatch` was given. */
  readonly id: string;
  /** Its name; `$tell` for a `tell`. */
  readonly effect: string;
  /** The entity that it came from. */
  readonly reference: Reference;
  readonly version: number;
  /** How often it failed. */
  readonly attempts: number;
  /** What the last failure said. */
  readonly error: string;
}

/** How many durable effects of the network there are, by what they wait for. */
export interface EffectCounts extends JobCounts {
  /** By this node since it started: not run, since Redis lost the commits that they came with. */
  readonly dropped: number;
}

/** A queue of BullMQ's, for whatever shows such queues. */
export interface BoardQueue {
  readonly partition: number;
  /** BullMQ's `Queue`; the node closes it. */
  readonly queue: BullQueue;
}

export interface EffectJobsParts {
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly dropped: () => number;
  /** @throws PachydermError NODE_STOPPING */
  readonly checkRunning: () => void;
  readonly queues: () => Promise<readonly BoardQueue[]>;
}

/** Durable effects of the whole network, those of `tell` too: what has failed, and what is to become of it. */
export class EffectJobs {
  readonly #parts: EffectJobsParts;

  constructor(parts: EffectJobsParts) {
    this.#parts = parts;
  }

  /**
   * Those that have failed, the newest of each partition first.
   * @param options.limit 1 to 10,000. Default 100.
   * @throws PachydermError (as a rejection) INVALID_OPTIONS, NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async failed({ limit = 100 }: { readonly limit?: number } = {}): Promise<readonly FailedEffect[]> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000)
      throw new PachydermError("INVALID_OPTIONS", "limit is a whole number from 1 to 10,000");
    const { jobs } = await this.#ask((jobs, deadline) => jobs.failed(limit, deadline));
    return jobs.map(failedEffect);
  }

  /**
   * Puts one that has failed back on its queue, with all its attempts before it; or all of them.
   * @param id an effect's id, or `"all"`
   * @returns how many; 0: no effect of this id has failed
   * @throws PachydermError (as a rejection) NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE: some may have been put back
   */
  async retry(id: string): Promise<number> {
    const which = id === "all" ? null : id;
    return (await this.#ask((jobs, deadline) => jobs.retry(which, deadline))).count;
  }

  /**
   * Forgets one that has failed: it will never be run again.
   * @returns how many; 0: no effect of this id has failed
   * @throws PachydermError (as a rejection) NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async drop(id: string): Promise<number> {
    return (await this.#ask((jobs, deadline) => jobs.drop(id, deadline))).count;
  }

  /** @throws PachydermError (as a rejection) NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE */
  async counts(): Promise<EffectCounts> {
    const { counts } = await this.#ask((jobs, deadline) => jobs.counts(deadline));
    return { ...counts, dropped: this.#parts.dropped() };
  }

  /** The queues themselves, one for each partition; none where the node is embedded. They are of this node's connection. */
  queues(): Promise<readonly BoardQueue[]> {
    return this.#parts.queues();
  }

  async #ask<T extends { readonly kind: string }>(
    ask: (jobs: Jobs, deadline: number) => Promise<T | JobsUnavailable>,
  ): Promise<Exclude<T, JobsUnavailable>> {
    const { jobs, clock, timeoutMs, checkRunning } = this.#parts;
    checkRunning();
    const deadline = clock.monotonicMs() + timeoutMs;
    const answer = await ask(jobs, deadline);
    if (answer.kind === "unavailable") throw unanswered((answer as JobsUnavailable).reason, deadline, clock);
    return answer as Exclude<T, JobsUnavailable>;
  }
}

/** What cannot be read is shown too: somebody must be able to drop it. */
function failedEffect({ id, name, data, attempts, error }: FailedJob): FailedEffect {
  const { reference = { type: "", id: "" }, version = 0 } = parseEffectJob(data) ?? {};
  return { id, effect: name, reference, version, attempts, error };
}
