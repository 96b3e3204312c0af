// What is not in memory is taken for new where all that was loaded before it was: docs/decisions/0032.

import { beforeEach, expect, test } from "vitest";
import { newId, type Reference } from "../../src/index.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { dispatched, handled, ledger, notify } from "../harness/ledger.ts";

const IN_A_ROW = 64;
const add = (n: number) => ({ type: "add", n });
const conflicts: unknown[] = [];
let other: EngineNode;
let node: EngineNode;
let there: Reference;

/** A node that has loaded so many entities, all of them new, beside another one that has written to `there`. */
beforeEach(async () => {
  other = new EngineNode({ entities: [ledger], effects: [notify] });
  node = new EngineNode({ entities: [ledger], effects: [notify], log: other.log, clock: other.clock });
  there = ledger.ref(newId());
  for (const n of [1, 2]) await other.send(there, add(n));
  for (let i = 0; i < IN_A_ROW; i++) await node.send(ledger.ref(newId()), add(1));
  expect(node.store.loads).toBe(IN_A_ROW);
  conflicts.length = 0;
  node.signals.on("conflict", (payload) => conflicts.push(payload));
  node.store.loads = 0;
  node.store.asked.length = 0;
  dispatched.length = 0;
  handled.length = 0;
});

const answersOf = () => node.store.asked.map(({ result }) => result?.kind);

test("a new entity is committed without a load", async () => {
  const answer = await node.send(ledger.ref(newId()), add(3));
  expect(answer).toMatchObject({ version: 1, value: { ns: [3], sum: 3 } });
  expect(node.store.loads).toBe(0);
  expect(answersOf()).toEqual(["committed"]);
});

test("one that is there is loaded and handled anew, and nobody hears of the guess", async () => {
  const answers = await Promise.all([3, 4].map((n) => node.send(there, add(n), { retry: false })));
  expect(answers.map(({ version, value }) => ({ version, value }))).toEqual([
    { version: 3, value: { ns: [1, 2, 3], sum: 6 } },
    { version: 4, value: { ns: [1, 2, 3, 4], sum: 10 } },
  ]);
  expect(answersOf()).toEqual(["conflict", "committed"]);
  expect(node.store.loads).toBe(1);
  expect(conflicts).toEqual([]);
});

test("after one that is there, entities are loaded again", async () => {
  await node.send(there, add(3));
  const before = node.store.loads;
  await node.send(ledger.ref(newId()), add(1));
  expect(node.store.loads).toBe(before + 1);
});

test("what was rejected on the guess is handled on what is there", async () => {
  expect(await node.send(there, add(3), { expected: 2 })).toMatchObject({ version: 3 });
  const mismatch = await failureOf(node.send(ledger.ref(newId()), add(3), { expected: 2 }));
  expect(mismatch).toMatchObject({ code: "EXPECTED_MISMATCH" });
});

test("a get is not answered from a guess, stale or not", async () => {
  node.store.hold();
  const sent = node.send(there, add(3));
  await node.store.untilHeld();
  const stale = node.get(there, { stale: true });
  const compared = node.get(there);
  await turns();
  node.store.release();
  expect(await stale).toMatchObject({ version: 2, value: { sum: 3 } });
  expect(await compared).toMatchObject({ version: 3, value: { sum: 6 } });
  expect(await sent).toMatchObject({ version: 3 });
});

test("a get is of what may be there: it loads", async () => {
  expect(await node.get(there)).toMatchObject({ version: 2 });
  expect(answersOf()).toEqual(["committed"]);
  expect(node.store.loads).toBe(1);
});

test("an entity that was destroyed is found destroyed", async () => {
  await other.destroy(there);
  expect(await failureOf(node.send(there, add(3)))).toMatchObject({ code: "DESTROYED" });
});

test("an effect is dispatched once, for the commit that is there", async () => {
  await node.send(there, { type: "notify", n: 1 });
  expect(dispatched).toHaveLength(1);
});

test("a key that was used before is found, also where the guess was wrong", async () => {
  await other.send(there, add(9), { idempotencyKey: "once" });
  const again = await node.send(there, add(9), { idempotencyKey: "once" });
  expect(again).toMatchObject({ duplicate: true, handledVersion: 3, value: { ns: [1, 2, 9] } });
});

test("where the commit cannot be asked for, the guess stays one", async () => {
  node.store.answerNext({ kind: "unavailable", reason: "no" });
  expect(await failureOf(node.send(there, add(3)))).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(await node.get(there, { stale: true })).toMatchObject({ version: 2, value: { sum: 3 } });
  expect(await node.send(there, add(3))).toMatchObject({ version: 3 });
  expect(conflicts).toEqual([]);
});
