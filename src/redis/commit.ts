// The typed side of commit.lua: keys and arguments in its order, its reply as the port's own union.

import type { Commit, CommitResult, FoundReceipt, ReceiptStep } from "../ports/event-store.ts";
import { extrasOf, isFirst } from "./commit-extras.ts";
import { CommitJobs, commitJobsHeader, type JobEncoder } from "./commit-jobs.ts";
import { GroupViews, viewForms } from "./commit-rows.ts";
import { hasTimers, isMarked, pushMarked, timerExtraNames } from "./commit-timers.ts";
import type { KeySpace } from "./keys.ts";
import { formatRecord, parseEntries, type StreamEntry } from "./record-format.ts";
import { Script } from "./script.ts";
import type { ScriptArgument } from "./script-command.ts";
import type { Tip, Tips } from "./tips.ts";

export const commitScript = new Script(new URL("./commit.lua", import.meta.url));

/** The header of commit.lua; a test holds the two together. */
export const commitHeader = {
  group: ["quick", "items", "befores", "rest", "listed (with numbers)", "view..."],
  rest: ["sure", "plain", "near", "others", "views", "marks"],
  ...viewForms,
  plain: ["next", "record", "timer... (where marked)"],
  timer: ["member", 'due (of "s")', 'text (of "s")'],
  other: ["version", "commit", "next", "records", "extras", "record...", "self (with extras)", "extra..."],
  extras: {
    receipt: ["value", "ttl"],
    message: ["value", "ttl", "until"],
    seen: ["until"],
    snapshot: ["version", "schema", "state"],
    list: ["entity"],
    ...timerExtraNames,
    destroy: [],
    unlist: ["from", "to"],
    job: commitJobsHeader.job,
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
    "again",
    "refused",
    "torn",
  ],
} as const;

export interface ScriptCall {
  readonly keys: readonly string[];
  /** The first two, the call's id and the token of the try, are put in front of these. */
  readonly args: readonly ScriptArgument[];
  /** The script's answers come group by group; in each: first, quick, plain, near, others. */
  readonly groups: readonly Group[];
}

/** The commits of one partition: their places among all commits. */
export interface Group {
  readonly partition: number;
  /** What was known of the partition's tip. */
  readonly tip: Tip;
  /** Whether any commit writes records or receipts. */
  writes: boolean;
  /** Whether any commit has records. */
  appends: boolean;
  /** Whether the tip that is known stands for receipts that are not looked for. */
  sure: boolean;
  /** Whether any commit leaves a receipt of a message. */
  leaves: boolean;
  /** Whether any commit has to do with rows. */
  rows: boolean;
  /** Whether any plain commit sets a timer, or cancels one. */
  timers: boolean;
  /** Plain, and an entity's first record: quick as well, and the entity is listed. */
  readonly first: number[];
  /** Plain, and compared by the tip. */
  readonly quick: number[];
  readonly plain: number[];
  /** Not plain, and compared by the tip. */
  readonly near: number[];
  readonly others: number[];
}

/** What goes for all calls of a store, and what it knows at the time of one. */
export interface CommitTerms {
  readonly space: KeySpace;
  readonly withLog: boolean;
  readonly tips: Tips;
  /** Whether what the tips say may stand for receipts; not of a call that repeats what was answered `again`. */
  readonly trusting: boolean;
  /** Null: none of the commits has jobs. */
  readonly encoder: JobEncoder | null;
}

/** Walks commits group by group, as the script does. */
export function encodeCommits(terms: CommitTerms, commits: readonly Commit[]): ScriptCall {
  const { space, encoder } = terms;
  const groups = groupsOf(commits, terms);
  const keys: string[] = [];
  const args: ScriptArgument[] = [`${groups.length}`];
  for (const { writes, partition, tip } of groups) {
    if (writes) keys.push(space.tip(partition));
    args.push(writes ? tip.token : "-");
  }
  const jobs = encoder === null ? null : new CommitJobs(encoder, space);
  for (const group of groups) encodeGroup(terms, group, commits, { keys, args, jobs });
  jobs?.pushShared({ keys, args });
  return { keys, args, groups };
}

interface Parts {
  readonly keys: string[];
  readonly args: ScriptArgument[];
  readonly jobs: CommitJobs | null;
}

function groupsOf(commits: readonly Commit[], { tips, trusting }: CommitTerms): readonly Group[] {
  const groups = new Map<number, Group>();
  let place = 0;
  for (const commit of commits) {
    const { partition } = commit.key;
    let group = groups.get(partition);
    if (group === undefined) {
      group = newGroup(partition, tips.of(partition));
      groups.set(partition, group);
    }
    const { records, receipts, expected } = commit;
    if (records.length > 0) group.writes = group.appends = true;
    if (commit.rows !== undefined) group.rows = true;
    const isProved = expected.proof === group.tip.epoch;
    let isBare = receipts.length === 0;
    if (!isBare) {
      isBare = trusting && needNoLook(receipts, group.tip);
      if (isBare) group.sure = true;
      else noteReceipts(receipts, group);
    }
    // Of one without records no entry id would show that a length is right by chance, of a log that was trimmed.
    if (!(isBare && isPlain(commit))) {
      (isProved && records.length > 0 ? group.near : group.others).push(place);
    } else {
      if (commit.timers !== undefined) group.timers ||= isMarked(commit);
      if (isFirst(commit)) group.first.push(place);
      else (isProved ? group.quick : group.plain).push(place);
    }
    place += 1;
  }
  // Who writes nothing does not look at the tip, and so is told nothing by it.
  for (const group of groups.values()) if (!group.writes) group.sure = false;
  return [...groups.values()];
}

function newGroup(partition: number, tip: Tip): Group {
  return {
    partition,
    tip,
    writes: false,
    appends: false,
    sure: false,
    leaves: false,
    rows: false,
    timers: false,
    first: [],
    quick: [],
    plain: [],
    near: [],
    others: [],
  };
}

/**
 * Whether none of the receipts can be there: whoever writes one moves the tip, and since the tip is this client's own,
 * each message was sent that they are for.
 */
export function needNoLook(receipts: readonly ReceiptStep[], { since }: Tip): boolean {
  for (const { kind, write, notBefore } of receipts) {
    // Of other kinds it is not noted when this client itself has left some.
    if (kind !== "m" || write !== null || notBefore === undefined || notBefore < since) return false;
  }
  return true;
}

function noteReceipts(receipts: readonly ReceiptStep[], group: Group): void {
  for (const { kind, write } of receipts) {
    if (write === null) continue;
    group.writes = true;
    if (kind === "m") group.leaves = true;
  }
}

/** But for its receipts. Rows are the group's. */
function isPlain(commit: Commit): boolean {
  const { records, snapshot, jobs, destroy } = commit;
  if (records.length !== 1 || snapshot !== null || jobs !== undefined) return false;
  return destroy !== true && (!hasTimers(commit) || isMarked(commit));
}

function encodeGroup(
  { space, withLog }: CommitTerms,
  group: Group,
  commits: readonly Commit[],
  parts: Parts,
): void {
  const { partition, tip, sure, first, quick, plain, near, others } = group;
  const { keys, args } = parts;
  const places = inOrder(group);
  const compared = first.length + quick.length;
  const count = compared + plain.length;
  const logged = withLog && group.appends;
  if (logged) keys.push(space.log(partition));
  if (first.length > 0) keys.push(space.ids(partition));
  if (group.timers) keys.push(space.due(partition));
  // Under load most groups have nothing but quick commits: their head is short, for each argument costs.
  const isAllQuick = places.length === quick.length && !sure && !group.rows;
  args.push(`${compared}`, "", "", "");
  const at = args.length;
  let rest = "";
  if (!isAllQuick) {
    args.push("");
    const views = group.rows ? encodeViews(space, partition, places, commits, parts) : 0;
    rest = `${sure ? 1 : 0} ${count} ${near.length} ${near.length + others.length} ${views} `;
  }
  let items = "";
  let befores = "";
  let listed = "";
  let i = 0;
  for (const place of places) {
    const commit = commits[place];
    if (commit === undefined) continue;
    if (logged && commit.records.length > 0) items += items === "" ? logItem(commit) : `\n${logItem(commit)}`;
    if (i < first.length) listed += `${commit.key.id} ${commit.type}\n`;
    if (i < count) {
      befores += `${commit.expected.commitId} `;
      encodePlain(space, commit, parts);
      if (group.timers) rest += pushMarked(space, commit, keys, args);
    } else {
      encodeOther(
        space,
        commit,
        sure && needNoLook(commit.receipts, tip) ? NO_RECEIPTS : commit.receipts,
        parts,
      );
    }
    i += 1;
  }
  args[at - 3] = items;
  args[at - 2] = befores;
  args[at - 1] = rest;
  if (!isAllQuick) args[at] = listed;
}

function encodeViews(
  space: KeySpace,
  partition: number,
  places: readonly number[],
  commits: readonly Commit[],
  { keys, args }: Parts,
): number {
  const views = new GroupViews();
  places.forEach((place, i) => {
    const commit = commits[place];
    if (commit !== undefined) views.add(i + 1, commit);
  });
  return views.encode(space, partition, keys, args);
}

const NO_RECEIPTS: readonly ReceiptStep[] = [];

/** As the script takes them. Under load all of a group are quick. */
function inOrder({ first, quick, plain, near, others }: Group): readonly number[] {
  const rest = first.length + plain.length + near.length + others.length;
  return rest === 0 ? quick : [...first, ...quick, ...plain, ...near, ...others];
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

function encodeOther(
  space: KeySpace,
  commit: Commit,
  receipts: readonly ReceiptStep[],
  { keys, args, jobs: jobsOfCall }: Parts,
): void {
  const { key, commitId, expected, records, jobs = [] } = commit;
  const extras = extrasOf(space, commit, receipts);
  const count = extras.length + jobs.length;
  keys.push(space.stream(key));
  // At version 0 there is no commit to compare with.
  args.push(`${expected.version}`, expected.version === 0 ? "" : `${expected.commitId} `);
  args.push(`${expected.version + 1}`, `${records.length}`, `${count}`);
  for (const record of records) args.push(formatRecord(commit, record));
  if (count > 0) args.push(`${commitId} `);
  for (const extra of extras) {
    keys.push(extra.key);
    args.push(...extra.args);
  }
  for (const job of jobs) jobsOfCall?.push(key.partition, job, { keys, args });
}

type Answer = "committed" | readonly [status: string, ...rest: unknown[]];

export interface Decoded {
  /** Epoch ms, of Redis. */
  readonly now: number;
  /** In the order of the commits. */
  readonly results: readonly CommitResult[];
  /** The places of those that were not looked at, to be sent again without trust in the tip. */
  readonly again: readonly number[];
}

/**
 * @param moved told of each group (its place) that moved its tip, whether that was another than known, and when; says what
 * its heads are proved by from now on
 */
export function decodeCommits(
  reply: unknown,
  { groups }: Pick<ScriptCall, "groups">,
  moved: (group: number, isStranger: boolean, at: number) => number,
): Decoded {
  const [now, strangers, ...answers] = reply as [string, string, ...Answer[]];
  const at = Number(now);
  const met = strangers.split(" ");
  const isClean = answers.length === 1 && answers[0] === "committed";
  let count = 0;
  for (const group of groups) count += inOrder(group).length;
  const results = new Array<CommitResult>(count);
  const again: number[] = [];
  let read = 0;
  groups.forEach((group, i) => {
    const proof = group.writes ? moved(i, met.includes(`${i + 1}`), at) : 0;
    const committed: CommitResult = { kind: "committed", at, already: false, proof };
    for (const place of inOrder(group)) {
      const answer = isClean ? "committed" : answers[read++];
      results[place] = answer === "committed" ? committed : decodeAnswer(answer, at);
      if (answer?.[0] === "again") again.push(place);
    }
  });
  return { now: at, results, again };
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
    case "again":
      return { kind: "unavailable", reason: "somebody else has written to the partition" };
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
