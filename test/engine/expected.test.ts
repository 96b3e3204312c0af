// `expected`: handled only at a version, or at a cursor's place.

import { beforeEach, expect, test } from "vitest";
import { cursorOf, cursorPrefix } from "../../src/core/cursor.ts";
import type { Answer } from "../../src/engine/envelope.ts";
import { newId, type Reference } from "../../src/index.ts";
import { EngineNode, failureOf } from "../harness/engine-node.ts";
import { ledger } from "../harness/ledger.ts";

const prefix = cursorPrefix("main");

let node: EngineNode;
let ref: Reference;
const add = (n: number) => ({ type: "add", n });
const at = ({ version, commitId }: Answer) => cursorOf(prefix, ref.id, version, commitId);

beforeEach(() => {
  node = new EngineNode({ entities: [ledger] });
  ref = ledger.ref(newId());
});

test("by version: at it, it is handled; else EXPECTED_MISMATCH and nothing is written", async () => {
  await node.send(ref, add(1), { expected: 0 });
  const failure = await failureOf(node.send(ref, add(2), { expected: 0 }));
  expect(failure).toMatchObject({
    code: "EXPECTED_MISMATCH",
    outcome: "not-committed",
    detail: { version: 1, expected: 0 },
  });
  expect(await node.send(ref, add(3), { expected: 1 })).toMatchObject({ version: 2 });
});

test("by cursor: at its place it is handled; behind it, EXPECTED_MISMATCH", async () => {
  const first = await node.send(ref, add(1));
  const second = await node.send(ref, add(2), { expected: at(first) });
  expect(await failureOf(node.send(ref, add(3), { expected: at(first) }))).toMatchObject({
    code: "EXPECTED_MISMATCH",
  });
  expect(await node.send(ref, add(3), { expected: at(second) })).toMatchObject({ version: 3 });
});

test("by cursor of a place that the log does not hold: LOG_DIVERGED", async () => {
  await node.send(ref, add(1));
  for (const [version, commitId] of [
    [1, "another"],
    [7, "later"],
  ] as const) {
    const expected = cursorOf(prefix, ref.id, version, commitId);
    expect(await failureOf(node.send(ref, add(2), { expected }))).toMatchObject({ code: "LOG_DIVERGED" });
  }
});

test("two messages with one expected version: the first one is handled, also in one batch", async () => {
  const sent = [node.send(ref, add(1), { expected: 0 }), node.send(ref, add(2), { expected: 0 })];
  const failures = await Promise.all(sent.map(failureOf));
  expect(failures.map((failure) => failure?.code)).toEqual([undefined, "EXPECTED_MISMATCH"]);
});

test("a mismatch goes through the log: an old memory does not tell one", async () => {
  await node.send(ref, add(1));
  await new EngineNode({ entities: [ledger], log: node.log, clock: node.clock }).send(ref, add(2));
  expect(await node.send(ref, add(3), { expected: 2 })).toMatchObject({ version: 3 });
});

test("the key's receipt wins over expected", async () => {
  const options = { expected: 0, idempotencyKey: "k" };
  await node.send(ref, add(1), options);
  expect(await node.send(ref, add(1), options)).toMatchObject({ duplicate: true, handledVersion: 1 });
});

test("a mismatch is not kept under the key", async () => {
  await node.send(ref, add(1));
  const idempotencyKey = "k";
  expect(await failureOf(node.send(ref, add(2), { expected: 0, idempotencyKey }))).toMatchObject({
    code: "EXPECTED_MISMATCH",
  });
  expect(await node.send(ref, add(2), { expected: 1, idempotencyKey })).toMatchObject({
    duplicate: false,
    version: 2,
  });
});

test("a cursor of another entity or network, or no cursor at all, is refused before anything else", async () => {
  const other = cursorOf(prefix, newId(), 1, "c");
  const foreign = cursorOf(cursorPrefix("other"), ref.id, 1, "c");
  for (const expected of [other, foreign, "", "p1.main", "p1..."]) {
    expect(await failureOf(node.send(ref, add(1), { expected }))).toMatchObject({ code: "INVALID_CURSOR" });
  }
  for (const expected of [-1, 0.5, Number.NaN, 2 ** 60]) {
    expect(await failureOf(node.send(ref, add(1), { expected }))).toMatchObject({ code: "INVALID_OPTIONS" });
  }
});
