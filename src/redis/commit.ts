// The typed side of commit.lua: keys and arguments in its order, its reply as the port's own union.

import type { Commit, CommitResult, FoundReceipt, NewJob } from "../ports/event-store.ts";
import type { EncodedJob } from "./bull-adds.ts";
import { extrasOf, isFirst } from "./commit-extras.ts";
import type { KeySpace } from "./keys.ts";
import { formatRecord, parseEntries, type StreamEntry } from "./record-format.ts";
import { Script } from "./script.ts";
import type { ScriptArgument } from "./script-command.ts";

export const commitScript = new Script(new URL("./commit.lua", import.meta.url));

/** The header of commit.lua; a test holds the two together. */
export const commitHeader = {
  group: ["plain", "others", "items"],
  plain: ["at", "commit", "next", "record"],
  other: ["at", "commit", "next", "records", "extras", "record...", "self (with extras)", "extra..."],
  extras: {
    receipt: ["value", "ttl"],
    message: ["value", "ttl", "until"],
    seen: ["until"],
    snapshot: ["version", "schema", "state"],
    job: ["queue", "way", "packed", "data", "options"],
    list: ["entity"],
    destroy: [],
    unlist: ["from", "to"],
  },
  answers: ["committed", "already", "duplicate", "late", "conflict", "diverged", "reload", "refused", "torn"],
} as const;

export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly ScriptArgument[];
  /** Whether it is for the script that knows jobs. */
  readonly hasJobs: boolean;
  /** The place, among the commits as they were given, of each of the script's answers. */
  readonly order: readonly number[];
}

/** What makes jobs fit for the script: BullAdds, where there are any. */
export interface JobEncoder {
  encode(prefix: string, job: NewJob): EncodedJob;
  jobKey(prefix: string, id: string): string;
  /** Of a whole queue. */
  queueKeys(prefix: string): readonly string[];
}

/** The queues of a call, in the order in which its jobs name them. */
class Queues {
  readonly #encoder: JobEncoder;
  readonly #space: KeySpace;
  readonly #partitions: number[] = [];

  constructor(encoder: JobEncoder, space: KeySpace) {
    this.#encoder = encoder;
    this.#space = space;
  }

  push(partition: number, job: NewJob, keys: string[], args: ScriptArgument[]): void {
    let queue = this.#partitions.indexOf(partition);
    if (queue < 0) queue = this.#partitions.push(partition) - 1;
    const prefix = this.#space.queuePrefix(partition);
    const { way, packed, data, options } = this.#encoder.encode(prefix, job);
    keys.push(this.#encoder.jobKey(prefix, job.id));
    args.push("job", `${queue}`, way, packed, data, options);
  }

  /** Behind all else. */
  pushKeys(keys: string[], args: ScriptArgument[]): void {
    args.push(`${keys.length}`);
    for (const partition of this.#partitions)
      keys.push(...this.#encoder.queueKeys(this.#space.queuePrefix(partition)));
  }
}

/**
 * Walks commits group by group, as the script does.
 * @param encoder null: none of them has jobs
 */
export function encodeCommits(
  space: KeySpace,
  withLog: boolean,
  callId: string,
  commits: readonly Commit[],
  encoder: JobEncoder | null = null,
): ScriptCall {
  const queues = encoder === null ? null : new Queues(encoder, space);
  const groups = groupsOf(commits, withLog);
  const keys: string[] = [];
  const args: ScriptArgument[] = [callId, `${groups.size}`];
  const order: number[] = [];
  for (const [partition, { plain, others }] of groups) {
    const places = others.length === 0 ? plain : [...plain, ...others];
    const items = withLog ? logItems(commits, places) : "";
    if (items !== "") keys.push(space.log(partition));
    args.push(`${plain.length}`, `${others.length}`, items);
    for (const place of places) {
      const commit = commits[place];
      if (commit === undefined) continue;
      order.push(place);
      if (isPlain(commit)) encodePlain(space, commit, keys, args);
      else encodeOther(space, commit, queues, keys, args);
    }
  }
  queues?.pushKeys(keys, args);
  return { keys, args, hasJobs: queues !== null, order };
}

/** Places of a group's commits among all commits. */
interface Group {
  readonly plain: number[];
  readonly others: number[];
}

/** Only the log is kept by partition; without it all commits are one group. */
function groupsOf(commits: readonly Commit[], withLog: boolean): Map<number, Group> {
  const groups = new Map<number, Group>();
  let place = 0;
  for (const commit of commits) {
    const partition = withLog ? commit.key.partition : 0;
    let group = groups.get(partition);
    if (group === undefined) {
      group = { plain: [], others: [] };
      groups.set(partition, group);
    }
    (isPlain(commit) ? group.plain : group.others).push(place);
    place += 1;
  }
  return groups;
}

function isPlain(commit: Commit): boolean {
  const { records, receipts, snapshot, jobs, destroy } = commit;
  if (records.length !== 1 || receipts.length > 0 || snapshot !== null || jobs !== undefined) return false;
  return destroy !== true && !isFirst(commit);
}

/** One line for each commit that has records: what a reader of the log needs to fetch them. */
function logItems(commits: readonly Commit[], places: readonly number[]): string {
  let items = "";
  for (const place of places) {
    const commit = commits[place];
    if (commit === undefined || commit.records.length === 0) continue;
    const item = `${commit.key.id} ${commit.type} ${commit.expected.version + 1} ${commit.records.length}`;
    items = items === "" ? item : `${items}\n${item}`;
  }
  return items;
}

function encodePlain(space: KeySpace, commit: Commit, keys: string[], args: ScriptArgument[]): void {
  keys.push(space.stream(commit.key));
  encodeComparison(commit, args);
  for (const record of commit.records) args.push(formatRecord(commit, record));
}

function encodeOther(
  space: KeySpace,
  commit: Commit,
  queues: Queues | null,
  keys: string[],
  args: ScriptArgument[],
): void {
  const { key, commitId, records, jobs = [] } = commit;
  const extras = extrasOf(space, commit);
  const count = extras.length + jobs.length;
  keys.push(space.stream(key));
  encodeComparison(commit, args);
  args.push(`${records.length}`, `${count}`);
  for (const record of records) args.push(formatRecord(commit, record));
  if (count > 0) args.push(`${commitId} `);
  for (const extra of extras) {
    keys.push(extra.key);
    args.push(...extra.args);
  }
  for (const job of jobs) queues?.push(key.partition, job, keys, args);
}

/** At version 0 there is no commit to compare with. */
function encodeComparison({ expected: { version, commitId } }: Commit, args: ScriptArgument[]): void {
  args.push(`${version}-0`, version === 0 ? "" : `${commitId} `, `${version + 1}-0`);
}

type Answer = "committed" | readonly [status: string, ...rest: unknown[]];

export function decodeCommits(
  reply: unknown,
  { order }: Pick<ScriptCall, "order">,
): { now: number; results: readonly CommitResult[] } {
  const [now, ...answers] = reply as [string, ...Answer[]];
  const at = Number(now);
  const committed: CommitResult = { kind: "committed", at, already: false };
  const results: CommitResult[] = new Array<CommitResult>(order.length).fill(committed);
  if (answers.length === 1 && answers[0] === "committed") return { now: at, results };
  order.forEach((place, i) => {
    const answer = answers[i];
    results[place] = answer === "committed" ? committed : decodeAnswer(answer, at);
  });
  return { now: at, results };
}

function decodeAnswer(answer: Exclude<Answer, string> | undefined, at: number): CommitResult {
  const [status, ...rest] = answer ?? [];
  switch (status) {
    case "already":
      return { kind: "committed", at, already: true };
    case "duplicate":
      return { kind: "duplicate", found: decodeFound(rest) };
    case "late":
      return { kind: "late", steps: rest.map(Number) };
    case "conflict": {
      const missed = parseEntries((rest[0] ?? []) as StreamEntry[]);
      return missed.kind === "records"
        ? { kind: "conflict", missed: missed.records }
        : { kind: "refused", reason: missed.reason };
    }
    case "diverged":
    case "reload":
      return { kind: status };
    case "refused":
      return { kind: "refused", reason: String(rest[0]) };
    default:
      return { kind: "unknown", reason: `the commit script answered ${String(status)}: ${String(rest[0])}` };
  }
}

/** Step and value in turn; of a value, what the script put in front ("1 <commit id> ") is taken off. */
function decodeFound(rest: readonly unknown[]): readonly FoundReceipt[] {
  const found: FoundReceipt[] = [];
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const text = String(rest[i + 1]);
    found.push({ step: Number(rest[i]), value: text.slice(text.indexOf(" ", 2) + 1) });
  }
  return found;
}
