// The typed side of commit.lua: keys and arguments in its order, its reply as the port's own union.

import type { Commit, CommitResult, FoundReceipt, ReceiptStep } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import { formatRecord, parseEntries, type StreamEntry } from "./record-format.ts";
import { Script } from "./script.ts";

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
    destroy: [],
  },
  answers: ["committed", "already", "duplicate", "late", "conflict", "diverged", "reload", "refused", "torn"],
} as const;

export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly string[];
  /** The place, among the commits as they were given, of each of the script's answers. */
  readonly order: readonly number[];
}

/** Walks commits group by group, as the script does. */
export function encodeCommits(
  space: KeySpace,
  withLog: boolean,
  callId: string,
  commits: readonly Commit[],
): ScriptCall {
  const groups = groupsOf(commits, withLog);
  const keys: string[] = [];
  const args: string[] = [callId, `${groups.size}`];
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
      else encodeOther(space, commit, keys, args);
    }
  }
  return { keys, args, order };
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

function isPlain({ records, receipts, snapshot, destroy }: Commit): boolean {
  return records.length === 1 && receipts.length === 0 && snapshot === null && destroy !== true;
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

function encodePlain(space: KeySpace, commit: Commit, keys: string[], args: string[]): void {
  keys.push(space.stream(commit.key));
  encodeComparison(commit, args);
  for (const record of commit.records) args.push(formatRecord(commit, record));
}

function encodeOther(space: KeySpace, commit: Commit, keys: string[], args: string[]): void {
  const { key, commitId, records, receipts, snapshot, destroy } = commit;
  const extras = receipts.length + (snapshot === null ? 0 : 1) + (destroy === true ? 1 : 0);
  keys.push(space.stream(key));
  encodeComparison(commit, args);
  args.push(`${records.length}`, `${extras}`);
  for (const record of records) args.push(formatRecord(commit, record));
  if (extras > 0) args.push(`${commitId} `);
  for (const step of receipts) {
    keys.push(space.receipt(key, step));
    encodeReceipt(step, args);
  }
  if (snapshot !== null) {
    keys.push(space.snapshot(key));
    args.push("snapshot", `${snapshot.version}`, `${snapshot.schema}`, snapshot.state);
  }
  if (destroy === true) {
    keys.push(space.snapshot(key));
    args.push("destroy");
  }
}

function encodeReceipt({ write, notAfter }: ReceiptStep, args: string[]): void {
  if (notAfter !== null && write === null) {
    args.push("seen", `${notAfter}`);
    return;
  }
  args.push(notAfter === null ? "receipt" : "message", write?.value ?? "", `${Math.ceil(write?.ttlMs ?? 0)}`);
  if (notAfter !== null) args.push(`${notAfter}`);
}

/** At version 0 there is no commit to compare with. */
function encodeComparison({ expected: { version, commitId } }: Commit, args: string[]): void {
  args.push(`${version}-0`, version === 0 ? "" : `${commitId} `, `${version + 1}-0`);
}

type Answer = "committed" | readonly [status: string, ...rest: unknown[]];

export function decodeCommits(
  reply: unknown,
  { order }: ScriptCall,
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
