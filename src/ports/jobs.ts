// The queues of durable effects, one for each partition: what a commit has put there (ports/event-store.ts) is run, at
// least once, by whoever works on the partition. Twins in memory/ and redis/, laws in laws/.

/** A job that is to be run now. */
export interface Job {
  readonly id: string;
  readonly partition: number;
  readonly name: string;
  /** As the commit gave it. */
  readonly data: string;
  /** From 1; one more each time that it failed, or was cut short with the process that ran it. */
  readonly attempt: number;
  /** Aborted when this client stops working on the partition and will not wait any longer. */
  readonly signal: AbortSignal;
}

/** What came of a run. */
export type Ran =
  | { readonly kind: "done" }
  /** Run again after its back-off, unless it has failed as often as it may: then it is kept as failed. `final`: at once. */
  | { readonly kind: "failed"; readonly error: string; readonly final: boolean }
  /** Back on the queue for whoever works on it then; no attempt is counted. */
  | { readonly kind: "back"; readonly afterMs: number };

/** Runs one job; never throws. */
export type RunJob = (job: Job) => Promise<Ran>;

/** A job that has failed as often as it may. */
export interface FailedJob {
  readonly id: string;
  readonly name: string;
  readonly data: string;
  /** How often it failed. */
  readonly attempts: number;
  /** What the last one said. */
  readonly error: string;
}

/** Jobs of all partitions. */
export interface JobCounts {
  /** To be run as soon as somebody has time. */
  readonly waiting: number;
  readonly running: number;
  /** To be run later: after a back-off, or because it was said so. */
  readonly delayed: number;
  /** Kept, with their errors, until they are retried or dropped. */
  readonly failed: number;
}

export interface JobsUnavailable {
  readonly kind: "unavailable";
  readonly reason: string;
}

/** One client of the queues. */
export interface Jobs {
  /**
   * Works on the queue of a partition from now on, until `end`; other clients may do so at the same time. Never throws.
   *
   * Guarantee: a job whose commit is written is run at least once while anybody works on its queue, unless it is dropped:
   * also after a crash in the middle of a run, as often as that happens. A run that came to an end with `done` is the
   * job's last, unless this client was cut off, or stood still, for so long that others took it for gone.
   * @param gaveUp told of each job that is kept as failed by this client
   */
  begin(partition: number, run: RunJob, gaveUp: (job: Job, error: string) => void): void;

  /**
   * Begins no run of the partition any more, and resolves when none is under way here, or when `deadline` (monotonic ms)
   * has passed: then what still runs is told by its signal, and left. Never rejects.
   */
  end(partition: number, deadline: number): Promise<void>;

  /** Jobs that are kept as failed, at most `limit`, the newest of each partition first. Fails with: `unavailable`. */
  failed(
    limit: number,
    deadline: number,
  ): Promise<{ readonly kind: "jobs"; readonly jobs: readonly FailedJob[] } | JobsUnavailable>;

  /**
   * Puts a job that is kept as failed, or all of them, back on its queue with all its attempts before it.
   * `count`: how many; 0: none such is kept. Fails with: `unavailable`; some may have been put back then.
   */
  retry(
    id: string | null,
    deadline: number,
  ): Promise<{ readonly kind: "done"; readonly count: number } | JobsUnavailable>;

  /** Removes a job that is kept as failed: it will not be run any more. As `retry`. */
  drop(
    id: string,
    deadline: number,
  ): Promise<{ readonly kind: "done"; readonly count: number } | JobsUnavailable>;

  counts(
    deadline: number,
  ): Promise<{ readonly kind: "counts"; readonly counts: JobCounts } | JobsUnavailable>;

  /** Lets go of connections and timers. After the `end` of every partition. */
  close(): Promise<void>;
}
