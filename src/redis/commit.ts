// The typed side of commit.lua: keys and arguments in its order, its reply as the port's own union.

import type { Commit, CommitResult, FoundReceipt, NewJob } from "../ports/event-store.ts";
import type { EncodedJob } from "./bull-adds.ts";
import { extrasOf, isFirst } from "./commit-extras.ts";
import { rowExtraNames } from "./commit-rows.ts";
import { hasTimers, timerExtraNames } from "./commit-timers.ts";
import type { KeySpace } from "./keys.ts";
import { formatRecord, parseEntries, type StreamEntry } from "./record-format.ts";
import { Script } from "./script.ts";
import type { ScriptArgument } from "./script-command.ts";
import type { Tip, Tips } from "./tips.ts";

export const commitScript = new Script(new URL("./commit.lua", import.meta.url));

/** The header of commit.lua; a test holds the two together. */
export const commitHeader = {
  group: ["known", "quick", "plain", "others", "items", "befores", "listed"],
  plain: ["next", "record"],
  other: ["at", "commit", "next", "records", "extras", "record...", "self (with extras)", "extra..."],
  extras: {
    receipt: ["value", "ttl"],
    message: ["value", "ttl", "until"],
    seen: ["until"],
    snapshot: ["version", "schema", "state"],
    list: ["entity"],
    ...timerExtraNames,
    ...rowExtraNames,
    destroy: [],
    unlist: ["from", "to"],
    job: ["queue", "way", "packed", "data", "options"],
  },
  answers: [
    "committed",
    "already",
    "duplicate",
    "late",
    "gone",
    "conflict",
    "diverged",
    "reload",
    "refused",
    "torn",
  ],
} as const;

export interface ScriptCall {
  readonly keys: readonly string[];
  /** The first two, the call's id and the token of the try, are put in front of these. */
  readonly args: readonly ScriptArgument[];
  /** The script's answers come group by group; in each: first, quick, plain, others. */
  readonly groups: readonly Group[];
}

/** The commits of one partition: their places among all commits. */
export interface Group {
  readonly partition: number;
  /** What was known of the partition's tip. */
  readonly tip: Tip;
  /** Whether any commit has records. */
  writes: boolean;
  /** Plain, and an entity's first record: quick as well, and the entity is listed. */
  readonly first: number[];
  /** Plain, and compared by the tip. */
  readonly quick: number[];
  readonly plain: number[];
  readonly others: number[];
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

  push(partition: number, job: NewJob, { keys, args }: Parts): void {
    let queue = this.#partitions.indexOf(partition);
    if (queue < 0) queue = this.#partitions.push(partition) - 1;
    const prefix = this.#space.queuePrefix(partition);
    const { way, packed, data, options } = this.#encoder.encode(prefix, job);
    keys.push(this.#encoder.jobKey(prefix, job.id));
    args.push("job", `${queue}`, way, packed, data, options);
  }

  /** Behind all else. */
  pushKeys({ keys, args }: Parts): void {
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
  tips: Tips,
  commits: readonly Commit[],
  encoder: JobEncoder | null = null,
): ScriptCall {
  const groups = groupsOf(commits, tips);
  const keys: string[] = [];
  const args: ScriptArgument[] = [`${groups.length}`];
  const queues = encoder === null ? null : new Queues(encoder, space);
  for (const group of groups) encodeGroup(space, withLog, group, commits, { keys, args, queues });
  queues?.pushKeys({ keys, args, queues });
  return { keys, args, groups };
}

interface Parts {
  readonly keys: string[];
  readonly args: ScriptArgument[];
  readonly queues: Queues | null;
}

function groupsOf(commits: readonly Commit[], tips: Tips): readonly Group[] {
  const groups = new Map<number, Group>();
  let place = 0;
  for (const commit of commits) {
    const { partition } = commit.key;
    let group = groups.get(partition);
    if (group === undefined) {
      const tip = tips.of(partition);
      group = { partition, tip, writes: false, first: [], quick: [], plain: [], others: [] };
      groups.set(partition, group);
    }
    if (commit.records.length > 0) group.writes = true;
    if (!isPlain(commit)) group.others.push(place);
    else if (isFirst(commit)) group.first.push(place);
    else if (commit.expected.proof === group.tip.epoch) group.quick.push(place);
    else group.plain.push(place);
    place += 1;
  }
  return [...groups.values()];
}

function isPlain(commit: Commit): boolean {
  const { records, receipts, snapshot, jobs, rows, destroy } = commit;
  if (records.length !== 1 || receipts.length > 0 || snapshot !== null || jobs !== undefined) return false;
  return rows === undefined && destroy !== true && !hasTimers(commit);
}

function encodeGroup(
  space: KeySpace,
  withLog: boolean,
  group: Group,
  commits: readonly Commit[],
  parts: Parts,
): void {
  const { partition, tip, writes, first, quick, plain, others } = group;
  const { keys, args } = parts;
  const compared = first.length + quick.length;
  const count = compared + plain.length;
  const logged = withLog && writes;
  if (writes) keys.push(space.tip(partition));
  if (logged) keys.push(space.log(partition));
  if (first.length > 0) keys.push(space.ids(partition));
  args.push(writes ? tip.token : "-", `${compared}`, `${count}`, `${others.length}`, "", "", "");
  const at = args.length;
  let items = "";
  let befores = "";
  let listed = "";
  let i = 0;
  for (const place of inOrder(group)) {
    const commit = commits[place];
    if (commit === undefined) continue;
    if (logged && commit.records.length > 0) items += items === "" ? logItem(commit) : `\n${logItem(commit)}`;
    if (i < first.length) listed += `${commit.key.id} ${commit.type}\n`;
    if (i < count) {
      befores += `${commit.expected.commitId} `;
      encodePlain(space, commit, parts);
    } else {
      encodeOther(space, commit, parts);
    }
    i += 1;
  }
  args[at - 3] = items;
  args[at - 2] = befores;
  args[at - 1] = listed;
}

/** As the script takes them. Under load all of a group are quick. */
function inOrder({ first, quick, plain, others }: Group): readonly number[] {
  const rest = first.length + plain.length + others.length;
  return rest === 0 ? quick : [...first, ...quick, ...plain, ...others];
}

/** What a reader of the log needs to fetch the records of a commit. */
export function logItem({ key, type, expected, records }: Commit): string {
  return `${key.id} ${type} ${expected.version + 1} ${records.length}`;
}

function encodePlain(space: KeySpace, commit: Commit, { keys, args }: Parts): void {
  const [record] = commit.records;
  if (record === undefined) return;
  keys.push(space.stream(commit.key));
  args.push(`${commit.expected.version + 1}`, formatRecord(commit, record));
}

function encodeOther(space: KeySpace, commit: Commit, parts: Parts): void {
  const { keys, args, queues } = parts;
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
  for (const job of jobs) queues?.push(key.partition, job, parts);
}

/** At version 0 there is no commit to compare with. */
function encodeComparison({ expected: { version, commitId } }: Commit, args: ScriptArgument[]): void {
  args.push(`${version}-0`, version === 0 ? "" : `${commitId} `, `${version + 1}-0`);
}

type Answer = "committed" | readonly [status: string, ...rest: unknown[]];

/**
 * @param moved told of each group that moved its tip, and whether that was another than known; says what its heads are
 * proved by from now on
 */
export function decodeCommits(
  reply: unknown,
  { groups }: Pick<ScriptCall, "groups">,
  moved: (group: Group, isStranger: boolean) => number,
): { now: number; results: readonly CommitResult[] } {
  const [now, strangers, ...answers] = reply as [string, string, ...Answer[]];
  const at = Number(now);
  const met = strangers.split(" ");
  const isClean = answers.length === 1 && answers[0] === "committed";
  let count = 0;
  for (const group of groups) count += inOrder(group).length;
  const results = new Array<CommitResult>(count);
  let read = 0;
  groups.forEach((group, i) => {
    const proof = group.writes ? moved(group, met.includes(`${i + 1}`)) : 0;
    const committed: CommitResult = { kind: "committed", at, already: false, proof };
    for (const place of inOrder(group)) {
      const answer = isClean ? "committed" : answers[read++];
      results[place] = answer === "committed" ? committed : decodeAnswer(answer, at);
    }
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
    case "gone":
      return { kind: "gone", firings: rest.map(Number) };
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
