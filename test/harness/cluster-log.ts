// Holds what the senders of a cluster were told against what the log holds, entity by entity: what log-checker.ts finds,
// and besides that `get`s and rejections saw a true state, and that nothing was seen after its time.

import type { Cluster, Redis } from "ioredis";
import { type Added, emptyLedger, foldLedger } from "../programs/ledger.ts";
import { checkLedger, readLedger } from "./ledger-log.ts";
import type { Told } from "./load.ts";
import type { Attempt, LoggedRecord } from "./log-checker.ts";

const MOST_PROBLEMS = 20;

/** All that is wrong, in sentences; empty if nothing is. */
export async function checkCluster(
  redis: Redis | Cluster,
  network: string,
  ids: readonly string[],
  told: readonly Told[],
): Promise<readonly string[]> {
  const byId = Map.groupBy(told, ({ id }) => id);
  const problems: string[] = [];
  for (const id of ids) {
    const records = await readLedger(redis, network, id);
    problems.push(...checkEntity(records, byId.get(id) ?? []).map((problem) => `${id}: ${problem}`));
    if (problems.length >= MOST_PROBLEMS) break; // more tell nothing new
  }
  return problems;
}

export function checkEntity(
  records: readonly LoggedRecord<Added>[],
  told: readonly Told[],
): readonly string[] {
  const attempts = told.flatMap(attemptOf);
  const problems = checkLedger(records, attempts).map(({ kind, text }) => `${kind}: ${text}`);
  return [...problems, ...checkSeen(records, told), ...checkOrder(told)];
}

function attemptOf({ op, outcome, handledVersion = 0, seen }: Told): readonly Attempt[] {
  if (op === null) return [];
  if (outcome === "answered" && seen !== undefined) return [{ op, outcome, handledVersion, seen }];
  return [{ op, outcome: outcome === "unknown" ? "unknown" : "not-committed" }];
}

/** What `get`s and rejections saw is what the records up to that version make. */
function checkSeen(records: readonly LoggedRecord<Added>[], told: readonly Told[]): readonly string[] {
  const states = [JSON.stringify(emptyLedger)];
  let state = emptyLedger;
  for (const { event } of records) {
    state = foldLedger(state, event);
    states.push(JSON.stringify(state));
  }
  return told.flatMap(({ op, outcome, seen }) => {
    if (seen === undefined || (outcome === "answered" && op !== null)) return [];
    const text = JSON.stringify(seen.state);
    return states[seen.version] === text
      ? []
      : [`${op ?? "a get"} saw ${text} at version ${seen.version}; the log makes ${states[seen.version]}`];
  });
}

/**
 * Whoever asked after an answer was given sees at least what that answer showed: of two, the one of the older version
 * did not begin after the other's end.
 */
function checkOrder(told: readonly Told[]): readonly string[] {
  const seen = told.flatMap(({ op, outcome, from, to, seen: at }) =>
    // A rejection that another attempt finds is as old as that.
    at === undefined || outcome === "rejected" ? [] : [{ op, from, to, version: at.version }],
  );
  seen.sort((a, b) => b.version - a.version);
  let firstEnd = Number.POSITIVE_INFINITY;
  let version = Number.POSITIVE_INFINITY;
  let pendingEnd = Number.POSITIVE_INFINITY;
  const problems: string[] = [];
  for (const one of seen) {
    if (one.version < version) {
      firstEnd = Math.min(firstEnd, pendingEnd);
      version = one.version;
      pendingEnd = Number.POSITIVE_INFINITY;
    }
    if (one.from > firstEnd)
      problems.push(
        `${one.op ?? "a get"} saw version ${one.version}, and began ${(one.from - firstEnd).toFixed(1)} ms after a newer one was shown`,
      );
    pendingEnd = Math.min(pendingEnd, one.to);
  }
  return problems.slice(0, 5);
}

/** The longest time that any sender waited for one answer, milliseconds. */
export function longestPause(told: readonly Told[]): number {
  return told.reduce((longest, { from, to }) => Math.max(longest, to - from), 0);
}

/** Answers that take no longer than this are served, milliseconds. */
const SERVED_MS = 500;

/** When the last answer came that was an error or slow, in milliseconds after that moment; 0: none. */
export function recoveredAfter(told: readonly Told[], moment: number): number {
  const isBad = ({ error, from, to }: Told): boolean => error !== undefined || to - from > SERVED_MS;
  return told.reduce((latest, one) => (isBad(one) ? Math.max(latest, one.to - moment) : latest), 0);
}

/** What senders saw of errors, each with how often. */
export function errorsIn(told: readonly Told[]): Readonly<Record<string, number>> {
  const errors: Record<string, number> = {};
  for (const { error, id } of told) {
    if (error === undefined) continue;
    const kind = error.replaceAll(id, "…");
    errors[kind] = (errors[kind] ?? 0) + 1;
  }
  return errors;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
