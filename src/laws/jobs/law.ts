// Makes a law of a sentence and a check, on a network of its own: opens the clients that it needs, and closes them,
// however it ends.

import assert from "node:assert/strict";
import { newId } from "../../core/reference.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Commit, EventStore, NewJob } from "../../ports/event-store.ts";
import type { FailedJob, Job, JobCounts, Jobs, Ran } from "../../ports/jobs.ts";
import type { Judged, Law } from "../backend.ts";
import { until } from "../until.ts";

export interface JobsBackend extends Judged {
  /** The clock that the clients were given: deadlines are by it. */
  readonly clock: Clock;
  /** Another client on the data of a network, and a store that puts jobs there. Laws close what they open. */
  open(network: string): Promise<{ readonly store: EventStore; readonly jobs: Jobs }>;
}

/** Long enough for any server that is alive; a law about deadlines sets its own. */
const CALL_MS = 10_000;

/** Whatever is to become of a run, by its job's name. */
export type Script = (job: Job) => Ran | Promise<Ran>;

export const DONE: Ran = { kind: "done" };

export function failing(error: string, final = false): Ran {
  return { kind: "failed", error, final };
}

/** A client as the laws use it. */
export class Client {
  readonly jobs: Jobs;
  readonly store: EventStore;
  /** Every run that was begun here, in order. */
  readonly runs: Job[] = [];
  /** What it was told of as failed. */
  readonly gaveUp: (readonly [id: string, error: string])[] = [];
  readonly #clock: Clock;
  readonly #begun = new Set<number>();
  #commits = 0;

  constructor({ store, jobs }: { readonly store: EventStore; readonly jobs: Jobs }, clock: Clock) {
    this.store = store;
    this.jobs = jobs;
    this.#clock = clock;
  }

  deadline(ms = CALL_MS): number {
    return this.#clock.monotonicMs() + ms;
  }

  work(partition: number, script: Script): void {
    this.#begun.add(partition);
    this.jobs.begin(
      partition,
      async (job) => {
        this.runs.push(job);
        return await script(job);
      },
      (job, error) => this.gaveUp.push([job.id, error]),
    );
  }

  async end(partition: number, ms = CALL_MS): Promise<void> {
    this.#begun.delete(partition);
    await this.jobs.end(partition, this.deadline(ms));
  }

  /** A commit with jobs, of an entity of its own, that is not sent yet. */
  commit(partition: number, jobs: readonly Partial<NewJob>[], parts: Partial<Commit> = {}): Commit {
    this.#commits += 1;
    const commitId = `c${newId().slice(-12)}-${this.#commits}`;
    return {
      key: { id: newId(), partition },
      type: "law",
      commitId,
      expected: { version: 0, commitId: "" },
      records: [{ messageId: "m", event: '{"type":"put"}', reply: "" }],
      receipts: [],
      snapshot: null,
      jobs: jobs.map((job, i) => ({
        id: `${commitId}-${i}`,
        name: "effect",
        data: '{"n":1}',
        attempts: 3,
        backoffMs: 5,
        delayMs: 0,
        at: this.store.now(),
        ...job,
      })),
      ...parts,
    };
  }

  /** Sends one, and it must be written; the ids of its jobs. */
  async put(partition: number, ...jobs: readonly Partial<NewJob>[]): Promise<readonly string[]> {
    const commit = this.commit(partition, jobs);
    const [result] = await this.store.commit([commit], this.deadline());
    assert.equal(result?.kind, "committed", JSON.stringify(result));
    return commit.jobs?.map(({ id }) => id) ?? [];
  }

  runsOf(id: string): readonly Job[] {
    return this.runs.filter((job) => job.id === id);
  }

  async counts(): Promise<JobCounts> {
    const answer = await this.jobs.counts(this.deadline());
    return answer.kind === "counts" ? answer.counts : assert.fail(answer.reason);
  }

  async failed(limit = 100): Promise<readonly FailedJob[]> {
    const answer = await this.jobs.failed(limit, this.deadline());
    return answer.kind === "jobs" ? answer.jobs : assert.fail(answer.reason);
  }

  async retry(id: string | null): Promise<number> {
    const answer = await this.jobs.retry(id, this.deadline());
    return answer.kind === "done" ? answer.count : assert.fail(answer.reason);
  }

  async drop(id: string): Promise<number> {
    const answer = await this.jobs.drop(id, this.deadline());
    return answer.kind === "done" ? answer.count : assert.fail(answer.reason);
  }

  async untilEmpty(): Promise<void> {
    await until("the queues are empty", async () => isEmpty(await this.counts()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#begun].map((partition) => this.end(partition, 100)));
    await this.jobs.close();
    await this.store.close();
  }
}

function isEmpty({ waiting, running, delayed, failed }: JobCounts): boolean {
  return waiting + running + delayed + failed === 0;
}

export class Stage {
  readonly backend: JobsBackend;
  readonly #network = `law-${newId().slice(-12)}`;
  readonly #opened: Client[] = [];

  constructor(backend: JobsBackend) {
    this.backend = backend;
  }

  /** Another client on the same data. */
  async open(): Promise<Client> {
    const client = new Client(await this.backend.open(this.#network), this.backend.clock);
    this.#opened.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((client) => client.close()));
  }
}

export function law(name: string, run: (client: Client, stage: Stage) => Promise<void>): Law<JobsBackend> {
  return {
    name,
    async check({ backend }) {
      const stage = new Stage(backend);
      try {
        await run(await stage.open(), stage);
      } finally {
        await stage.close();
      }
    },
  };
}
