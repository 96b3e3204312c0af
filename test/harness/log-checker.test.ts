// The checker must find what is planted: a checker that finds nothing proves nothing.

import { expect, test } from "vitest";
import {
  type Attempt,
  checkHistory,
  type History,
  type LoggedRecord,
  type ProblemKind,
} from "./log-checker.ts";

interface Added {
  readonly amount: number;
}
type Log = LoggedRecord<Added>[];

const text = (state: unknown): string => JSON.stringify(state);

/** A sound history: two senders in turn, every answer right. */
function sound(length: number): { records: Log; attempts: Attempt[] } {
  const records: Log = [];
  const attempts: Attempt[] = [];
  let state = 0;
  for (let version = 1; version <= length; version++) {
    const op = `${version % 2 === 0 ? "even" : "odd"}:${version}`;
    state = state * 3 + version;
    state %= 1_000_003;
    records.push({ version, op, event: { amount: version } });
    attempts.push({ op, outcome: "answered", handledVersion: version, seen: { version, state } });
  }
  return { records, attempts };
}

function kindsOf(history: Pick<History<Added, number>, "records" | "attempts">): readonly ProblemKind[] {
  const fold = (state: number, { amount }: Added) => (state * 3 + amount) % 1_000_003;
  const problems = checkHistory({ ...history, init: 0, fold, text });
  return [...new Set(problems.map(({ kind }) => kind))].sort();
}

/** Without the answers' states, so that only the planted fault can be found. */
function acknowledgements(attempts: readonly Attempt[]): Attempt[] {
  return attempts.map((attempt) =>
    attempt.outcome === "answered"
      ? { op: attempt.op, outcome: "answered", handledVersion: attempt.handledVersion }
      : attempt,
  );
}

test("a sound history has no problems", () => {
  expect(kindsOf(sound(100))).toEqual([]);
});

test("unknown attempts may be in the log or not", () => {
  const { records, attempts } = sound(10);
  attempts[4] = { op: "odd:5", outcome: "unknown" };
  attempts.push({ op: "odd:11", outcome: "unknown" });
  expect(kindsOf({ records, attempts })).toEqual([]);
});

test("a lost operation is found", () => {
  const { records, attempts } = sound(10);
  expect(kindsOf({ records: records.slice(0, 9), attempts: acknowledgements(attempts) })).toEqual(["lost"]);
});

test("a duplicated operation is found", () => {
  const { records, attempts } = sound(10);
  records.push({ version: 11, op: "even:10", event: { amount: 10 } });
  expect(kindsOf({ records, attempts })).toEqual(["duplicated"]);
});

test("a gap is found", () => {
  const { records, attempts } = sound(10);
  const known = acknowledgements(attempts).filter(({ op }) => op !== "odd:5");
  expect(kindsOf({ records: records.filter(({ version }) => version !== 5), attempts: known })).toEqual([
    "gap",
  ]);
});

test("records out of order are found", () => {
  const { records, attempts } = sound(10);
  const swapped = records.map((record) => ({ 4: records[5], 5: records[4] })[record.version - 1] ?? record);
  expect(kindsOf({ records: swapped, attempts: acknowledgements(attempts) })).toEqual(["gap", "reordered"]);
});

test("a sender's operations out of their order are found", () => {
  const records: Log = ["a:2", "a:1"].map((op, i) => ({ version: i + 1, op, event: { amount: 1 } }));
  const attempts = records.map(({ op }): Attempt => ({ op, outcome: "unknown" }));
  expect(kindsOf({ records, attempts })).toEqual(["reordered"]);
});

test("a wrong state is found", () => {
  const { records, attempts } = sound(10);
  attempts[6] = { op: "odd:7", outcome: "answered", handledVersion: 7, seen: { version: 7, state: 42 } };
  expect(kindsOf({ records, attempts })).toEqual(["wrong-state"]);
  attempts[6] = { op: "odd:7", outcome: "answered", handledVersion: 7, seen: { version: 99, state: 42 } };
  expect(kindsOf({ records, attempts })).toEqual(["wrong-state"]);
});

test("an operation that is there though its sender was told that it is not, is found", () => {
  const { records, attempts } = sound(10);
  attempts[2] = { op: "odd:3", outcome: "not-committed" };
  expect(kindsOf({ records, attempts })).toEqual(["denied"]);
});

test("an operation that nobody sent is found", () => {
  const { records, attempts } = sound(10);
  expect(kindsOf({ records, attempts: attempts.slice(0, 9) })).toEqual(["invented"]);
});

test("a version acknowledged to two, or not the operation's own, is found", () => {
  const { records, attempts } = sound(10);
  attempts[1] = { op: "even:2", outcome: "answered", handledVersion: 3 };
  expect(kindsOf({ records, attempts })).toEqual(["wrong-version"]);
});

test("a long history is checked in linear time", () => {
  const timeOf = (length: number): number => {
    const history = sound(length);
    const started = performance.now();
    expect(kindsOf(history)).toEqual([]);
    return performance.now() - started;
  };
  timeOf(5_000); // compiled from here on
  // The best of some: what holds the machine up makes one of them slow, and not all.
  const best = (length: number): number => Math.min(...Array.from({ length: 3 }, () => timeOf(length)));
  const [short, long] = [best(5_000), best(50_000)];
  // Ten times as long; a quadratic check would take a hundred times as long.
  expect(long).toBeLessThan(Math.max(short, 5) * 50);
});
