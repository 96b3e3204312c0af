// The typed side of commit-jobs.lua: the jobs of a call, each in its commit, and behind all else what they have in common.

import { readFileSync } from "node:fs";
import type { NewJob } from "../ports/event-store.ts";
import type { JobSort } from "./bull-adds.ts";
import type { KeySpace } from "./keys.ts";
import type { ScriptArgument } from "./script-command.ts";

/** With its header; a test compares that with the binding. */
export const commitJobsText = readFileSync(new URL("./commit-jobs.lua", import.meta.url), "utf8");

/** The header of commit-jobs.lua; a test holds the two together. */
export const commitJobsHeader = {
  job: ["queue", "sort", "at", "data"],
  sort: ["way", "name", "options"],
} as const;

/** What makes jobs fit for the script: BullAdds, where there are any. */
export interface JobEncoder {
  /** The same object for the same sort, for as long as a call is made. */
  sortOf(job: NewJob): JobSort;
  jobKey(prefix: string, id: string): string;
  /** Of a whole queue. */
  queueKeys(prefix: string): readonly string[];
}

interface Parts {
  readonly keys: string[];
  readonly args: ScriptArgument[];
}

/** The jobs of one call. */
export class CommitJobs {
  readonly #encoder: JobEncoder;
  readonly #space: KeySpace;
  /** By their queues, in the order in which the jobs name them. */
  readonly #partitions: number[] = [];
  readonly #sorts: JobSort[] = [];

  constructor(encoder: JobEncoder, space: KeySpace) {
    this.#encoder = encoder;
    this.#space = space;
  }

  push(partition: number, job: NewJob, { keys, args }: Parts): void {
    const queue = placeIn(this.#partitions, partition);
    const sort = placeIn(this.#sorts, this.#encoder.sortOf(job));
    keys.push(this.#encoder.jobKey(this.#space.queuePrefix(partition), job.id));
    args.push("job", `${queue}`, `${sort}`, `${job.at}`, job.data);
  }

  /** Behind all else. */
  pushShared({ keys, args }: Parts): void {
    for (const { way, name, options } of this.#sorts) args.push(way, name, options);
    args.push(`${this.#sorts.length}`, `${keys.length}`);
    for (const partition of this.#partitions)
      keys.push(...this.#encoder.queueKeys(this.#space.queuePrefix(partition)));
  }
}

function placeIn<T>(list: T[], item: T): number {
  const place = list.indexOf(item);
  return place < 0 ? list.push(item) - 1 : place;
}
