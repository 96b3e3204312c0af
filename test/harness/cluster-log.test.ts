// The checker of clusters must find what is planted, as log-checker.test.ts does for what that one finds.

import { expect, test } from "vitest";
import { type Added, emptyLedger, foldLedger, type LedgerState } from "../programs/ledger.ts";
import { checkEntity, recoveredAfter } from "./cluster-log.ts";
import type { Told } from "./load.ts";
import type { LoggedRecord } from "./log-checker.ts";

const id = "an id";

/** Three messages, a `get` and a rejection, one after the other, each 10 ms long. */
function sound(): {
  readonly records: LoggedRecord<Added>[];
  readonly told: Told[];
  readonly states: LedgerState[];
} {
  const records: LoggedRecord<Added>[] = [];
  const told: Told[] = [];
  const states = [emptyLedger];
  for (let version = 1; version <= 3; version++) {
    const op = `s:${version}`;
    const state = foldLedger(states[version - 1] ?? emptyLedger, { op });
    states.push(state);
    records.push({ version, op, event: { type: "added", op, note: false } });
    const times = { from: version * 20, to: version * 20 + 10 };
    told.push({ id, op, outcome: "answered", handledVersion: version, seen: { version, state }, ...times });
  }
  const seen = { version: 3, state: states[3] ?? emptyLedger };
  told.push({ id, op: null, outcome: "answered", seen, from: 80, to: 90 });
  told.push({ id, op: "s:4", outcome: "rejected", seen, from: 100, to: 110 });
  return { records, told, states };
}

function problemsWith(change: (told: Told[], states: readonly LedgerState[]) => void): readonly string[] {
  const { records, told, states } = sound();
  change(told, states);
  return checkEntity(records, told);
}

test("a sound history has no problems", () => {
  expect(problemsWith(() => {})).toEqual([]);
});

test("what the other checker finds is found here", () => {
  expect(
    problemsWith((told) =>
      told.push({
        id,
        op: "s:5",
        outcome: "answered",
        handledVersion: 4,
        seen: { version: 4, state: emptyLedger },
        from: 1,
        to: 2,
      }),
    ).join(),
  ).toContain("lost");
});

test("a rejected message that is in the log is found", () => {
  const { records, told, states } = sound();
  records.push({ version: 4, op: "s:4", event: { type: "added", op: "s:4", note: false } });
  expect(checkEntity(records, told).join(), `${states.length}`).toContain("denied");
});

test("a `get` and a rejection of a state that never was are found", () => {
  const state = { count: 9, digest: 9 };
  expect(
    problemsWith((told) =>
      told.splice(3, 1, { id, op: null, outcome: "answered", seen: { version: 3, state }, from: 80, to: 90 }),
    ),
  ).toHaveLength(1);
  expect(
    problemsWith((told) =>
      told.splice(4, 1, {
        id,
        op: "s:4",
        outcome: "rejected",
        seen: { version: 3, state },
        from: 100,
        to: 110,
      }),
    ),
  ).toHaveLength(1);
});

test("an old state that was shown after a newer one is found", () => {
  const old = (states: readonly LedgerState[], from: number): Told => {
    const seen = { version: 2, state: states[2] ?? emptyLedger };
    return { id, op: null, outcome: "answered", seen, from, to: from + 10 };
  };
  expect(problemsWith((told, states) => told.push(old(states, 71))).join()).toContain(
    "began 1.0 ms after a newer one was shown",
  );
  expect(
    problemsWith((told, states) => told.push(old(states, 69))),
    "both were under way",
  ).toEqual([]);
});

test("when all was served again is when the last error or slow answer came", () => {
  const { told } = sound();
  expect(recoveredAfter(told, 50)).toBe(0);
  told.push({ id, op: "s:6", outcome: "unknown", error: "late", from: 60, to: 200 });
  expect(recoveredAfter(told, 50)).toBe(150);
  told.push({ id, op: "s:7", outcome: "answered", from: 100, to: 800 });
  expect(recoveredAfter(told, 50)).toBe(750);
});
