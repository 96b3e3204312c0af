// One message, several attempts at it on several nodes, in every order that a freeze, a cut or a lost answer can bring:
// it is handled once, and whoever answers says the same. `owner` is the node that was asked first, and fell silent.

import { beforeEach, expect, test } from "vitest";
import type { Sealed } from "../../src/engine/envelope.ts";
import { newId, type Reference } from "../../src/index.ts";
import { type Attempted, EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { ledger } from "../harness/ledger.ts";

let owner: EngineNode;
let next: EngineNode;
let third: EngineNode;
let ref: Reference;
const add = (n: number) => ({ type: "add", n });
const take = (n: number) => ({ type: "take", n });

beforeEach(async () => {
  owner = new EngineNode({ entities: [ledger] });
  const shared = { entities: [ledger], log: owner.log, clock: owner.clock };
  next = new EngineNode(shared);
  third = new EngineNode(shared);
  ref = ledger.ref(newId());
  await owner.send(ref, add(10));
});

const numbers = async (): Promise<readonly number[]> =>
  (await owner.records(ref)).map(({ event }) => (JSON.parse(event) as { n: number }).n);

/** The first attempt, whose commit is held back: its node froze there. */
function frozenBeforeCommit(sealed: Sealed): Promise<Attempted> {
  owner.store.hold();
  return owner.attempt(sealed, 1);
}

test("a first attempt from another node is handled as any other, and leaves no receipt", async () => {
  const sealed = owner.seal(ref, add(1));
  expect(await owner.attempt(sealed, 1)).toMatchObject({
    answer: { version: 2, duplicate: false },
    recorded: true,
  });
  expect(owner.store.finds).toBe(0);
  expect(await owner.attempt(owner.seal(ref, take(99)), 1)).toMatchObject({
    error: { code: "REJECTED", outcome: "not-committed" },
    recorded: false,
  });
  const steps = owner.store.asked.flatMap(({ commit }) => commit.receipts);
  expect(steps.length).toBeGreaterThan(0); // they are looked for, and none is written
  expect(steps.filter(({ write }) => write !== null)).toEqual([]);
});

test("frozen with the message unread: the second attempt handles it, the first finds its receipt when it thaws", async () => {
  const sealed = owner.seal(ref, add(1));
  expect(await next.attempt(sealed, 2)).toMatchObject({
    answer: { version: 2, duplicate: false },
    recorded: true,
  });
  const thawed = await owner.attempt(sealed, 1);
  expect(thawed).toMatchObject({ answer: { version: 2, handledVersion: 2, reply: 11, duplicate: true } });
  expect(await numbers()).toEqual([10, 1]);
});

test("frozen in the middle of its load: the same", async () => {
  const sealed = owner.seal(ref, add(1));
  const cold = new EngineNode({ entities: [ledger], log: owner.log, clock: owner.clock });
  cold.store.holdLoads();
  const first = cold.attempt(sealed, 1);
  await cold.store.untilLoadHeld();
  await next.attempt(sealed, 2);
  cold.store.releaseLoads();
  expect(await first).toMatchObject({ answer: { handledVersion: 2, duplicate: true }, recorded: true });
  expect(await numbers()).toEqual([10, 1]);
});

test("frozen before its commit reached Redis: the commit comes second, and is recognised", async () => {
  const sealed = owner.seal(ref, add(1));
  const first = frozenBeforeCommit(sealed);
  await owner.store.untilHeld();
  expect(await next.attempt(sealed, 2)).toMatchObject({ answer: { version: 2, duplicate: false } });
  owner.store.release();
  expect(await first).toMatchObject({ answer: { handledVersion: 2, duplicate: true }, recorded: true });
  expect(await numbers()).toEqual([10, 1]);
});

test("frozen after its commit, before its answer: the second attempt finds the records, and answers as the first", async () => {
  const sealed = owner.seal(ref, add(1));
  await owner.attempt(sealed, 1);
  await owner.send(ref, add(2));
  const second = await next.attempt(sealed, 2);
  expect(second).toMatchObject({
    answer: { version: 3, handledVersion: 2, reply: 11, duplicate: true },
    recorded: true,
  });
  expect(await numbers()).toEqual([10, 1, 2]);
});

test("the first commit lands between the second attempt's look and its commit: it is found in what was missed", async () => {
  const sealed = owner.seal(ref, add(1));
  const first = frozenBeforeCommit(sealed);
  await owner.store.untilHeld();
  next.store.hold();
  const second = next.attempt(sealed, 2);
  await next.store.untilHeld();
  owner.store.release();
  expect(await first).toMatchObject({ answer: { version: 2, duplicate: false } });
  next.store.release();
  expect(await second).toMatchObject({ answer: { handledVersion: 2, reply: 11, duplicate: true } });
  expect(await numbers()).toEqual([10, 1]);
});

test("the same behind more records than a conflict brings along: it is looked for again", async () => {
  const sealed = owner.seal(ref, add(1));
  next.store.hold();
  const second = next.attempt(sealed, 2);
  await next.store.untilHeld();
  for (let i = 0; i < 4; i++) await owner.send(ref, { type: "add-many", ns: Array(100).fill(0) });
  await owner.attempt(sealed, 1);
  next.store.release();
  expect(await second).toMatchObject({ answer: { handledVersion: 402, duplicate: true } });
  expect(next.store.finds).toBe(2);
  expect((await numbers()).filter((n) => n === 1)).toHaveLength(1);
});

test("between the second attempt's look and its commit, behind a batch that is full: it is found in what that one missed", async () => {
  const [before, sealed] = [
    owner.seal(ref, { type: "add-many", ns: Array(512).fill(0) }),
    owner.seal(ref, add(1)),
  ];
  next.store.hold();
  const seconds = [next.attempt(before, 2), next.attempt(sealed, 2)];
  await next.store.untilHeld();
  expect(next.store.asked.at(-1)?.commit.records, "a full batch, with the first one alone").toHaveLength(512);
  expect(await owner.attempt(sealed, 1)).toMatchObject({ answer: { version: 2, duplicate: false } });
  next.store.release();
  expect(await Promise.all(seconds)).toMatchObject([
    { answer: { duplicate: false } },
    { answer: { handledVersion: 2, duplicate: true } },
  ]);
  expect((await numbers()).filter((n) => n === 1)).toHaveLength(1);
});

test("between the second attempt's look and its commit, of a message that is not to be tried again: no conflict", async () => {
  const sealed = owner.seal(ref, add(1), { retry: false });
  next.store.hold();
  const second = next.attempt(sealed, 2);
  await next.store.untilHeld();
  await owner.attempt(sealed, 1);
  next.store.release();
  expect(await second).toMatchObject({ answer: { handledVersion: 2, duplicate: true } });
});

test("the sender's time is ahead of the record's, by less than the margin: it is found all the same", async () => {
  const sealed = owner.seal(ref, add(1));
  await owner.attempt(sealed, 1);
  const ahead = { ...sealed, sentAt: sealed.sentAt + 1_900 };
  expect(await next.attempt(ahead, 2)).toMatchObject({ answer: { handledVersion: 2, duplicate: true } });
});

test("what a second attempt has left is there for as long as the first may come", async () => {
  const sealed = owner.seal(ref, take(50));
  expect(await next.attempt(sealed, 2)).toMatchObject({ error: { code: "REJECTED" } });
  await third.send(ref, add(100));
  owner.clock.pass(59_999);
  const thawed = { ...sealed, deadline: owner.clock.monotonicMs() + 5_000 };
  expect(await owner.attempt(thawed, 1)).toMatchObject({ error: { code: "REJECTED" }, recorded: true });
});

test("the second attempt was rejected: the first is rejected too, though the state would take it by now", async () => {
  const sealed = owner.seal(ref, take(50));
  expect(await next.attempt(sealed, 2)).toMatchObject({
    error: { code: "REJECTED", outcome: "not-committed" },
    recorded: true,
  });
  await third.send(ref, add(100));
  expect(await owner.attempt(sealed, 1)).toMatchObject({
    error: { code: "REJECTED", detail: { code: "too-little", detail: { sum: 10 } } },
    recorded: true,
  });
  expect(await numbers()).toEqual([10, 100]);
});

test("the second attempt yielded nothing: the first yields nothing either", async () => {
  const sealed = owner.seal(ref, { type: "sum" });
  expect(await next.attempt(sealed, 2)).toMatchObject({ answer: { reply: 10, version: 1 }, recorded: true });
  await third.send(ref, add(1));
  const first = await owner.attempt(sealed, 1);
  expect(first).toMatchObject({ answer: { reply: 10, handledVersion: 1, version: 2, duplicate: true } });
});

test("the second attempt's handler failed: that is the message's end, and the first finds the same failure", async () => {
  const sealed = owner.seal(ref, { type: "throw" });
  const failure = { error: { code: "HANDLER_FAILED", outcome: "not-committed" }, recorded: true };
  expect(await next.attempt(sealed, 2)).toMatchObject(failure);
  await third.send(ref, add(1));
  const first = await owner.attempt(sealed, 1);
  expect(first).toMatchObject(failure);
  expect(first.error?.message).toContain("the handler broke at 10");
});

test("an expectation that a second attempt found unmet stays unmet", async () => {
  const sealed = owner.seal(ref, add(1), { expected: 2 });
  expect(await next.attempt(sealed, 2)).toMatchObject({
    error: { code: "EXPECTED_MISMATCH" },
    recorded: true,
  });
  await third.send(ref, add(2));
  expect(await owner.attempt(sealed, 1)).toMatchObject({
    error: { code: "EXPECTED_MISMATCH", detail: { version: 1, expected: 2 } },
    recorded: true,
  });
});

test("two later attempts at once, on two nodes: one handles it", async () => {
  const sealed = owner.seal(ref, add(1));
  next.store.hold();
  third.store.hold();
  const attempts = [next.attempt(sealed, 2), third.attempt(sealed, 3)];
  await Promise.all([next.store.untilHeld(), third.store.untilHeld()]);
  next.store.release();
  third.store.release();
  const duplicates = (await Promise.all(attempts)).map(({ answer }) => answer?.duplicate);
  expect(duplicates.toSorted()).toEqual([false, true]);
  expect(await numbers()).toEqual([10, 1]);
});

test("two later attempts at once that yield nothing say the same, whatever comes between them", async () => {
  const sealed = owner.seal(ref, { type: "sum" });
  third.store.hold();
  const late = third.attempt(sealed, 3);
  await third.store.untilHeld();
  expect(await next.attempt(sealed, 2)).toMatchObject({ answer: { reply: 10 } });
  await owner.send(ref, add(5));
  third.store.release();
  expect(await late).toMatchObject({ answer: { reply: 10, duplicate: true } });
});

test("both attempts on one node, in one batch or one after the other: one handles it", async () => {
  for (const order of [
    [1, 2],
    [2, 1],
    [2, 3],
  ] as const) {
    const sealed = owner.seal(ref, add(order[0] + order[1]));
    const ends = await Promise.all(order.map((attempt) => owner.attempt(sealed, attempt)));
    expect(
      ends.filter(({ answer }) => answer?.duplicate === false),
      order.join(),
    ).toHaveLength(1);
  }
  expect(await numbers()).toEqual([10, 3, 3, 5]);
});

test("the second comes to a node whose own first one is in flight: it waits, and finds it", async () => {
  const sealed = owner.seal(ref, add(1));
  const first = frozenBeforeCommit(sealed);
  await owner.store.untilHeld();
  const second = owner.attempt(sealed, 2);
  const other = owner.send(ref, add(2));
  await turns();
  expect(owner.store.asked).toHaveLength(2);
  owner.store.release();
  expect(await first).toMatchObject({ answer: { version: 2, duplicate: false } });
  expect(await second).toMatchObject({ answer: { handledVersion: 2, duplicate: true } });
  await other;
  expect(await numbers()).toEqual([10, 1, 2]);
});

test("the first attempt's commit has no answer yet (unknown), lands late, and the second attempt has gone before", async () => {
  const sealed = owner.seal(ref, add(1));
  owner.store.delayNext();
  expect(await owner.attempt(sealed, 1)).toMatchObject({ error: { outcome: "unknown" }, recorded: false });
  expect(await next.attempt(sealed, 2)).toMatchObject({ answer: { version: 2, duplicate: false } });
  const [late] = await owner.store.landLate();
  expect(late?.kind).toBe("duplicate");
  expect(await numbers()).toEqual([10, 1]);
});

test("a message that comes after its time is refused, and nothing of it is handled", async () => {
  const sealed = owner.seal(ref, add(1));
  owner.clock.pass(60_001);
  const fresh = { ...sealed, deadline: owner.clock.monotonicMs() + 5_000 };
  for (const attempt of [1, 2]) {
    expect(await next.attempt(fresh, attempt)).toMatchObject({
      error: { code: "DEADLINE_EXCEEDED", outcome: "unknown" },
      recorded: false,
    });
  }
  expect(await numbers()).toEqual([10]);
});

test("those that are in a batch with one that is late are handled", async () => {
  const sealed = owner.seal(ref, add(1));
  owner.clock.pass(60_001);
  const late = next.attempt({ ...sealed, deadline: owner.clock.monotonicMs() + 5_000 }, 1);
  const other = next.send(ref, add(2));
  expect(await late).toMatchObject({ error: { code: "DEADLINE_EXCEEDED" } });
  expect(await other).toMatchObject({ version: 2 });
});

test("many second attempts are looked for in one go, and other messages of the entity go on after them", async () => {
  const sealed = Array.from({ length: 50 }, (_, i) => owner.seal(ref, add(i)));
  for (const some of sealed.slice(0, 20)) await owner.attempt(some, 1);
  const seconds = sealed.map((one) => next.attempt(one, 2));
  const other = next.send(ref, add(1_000));
  const duplicates = (await Promise.all(seconds)).filter(({ answer }) => answer?.duplicate === true);
  expect(duplicates).toHaveLength(20);
  await other;
  expect(next.store.finds).toBe(1);
  expect((await numbers()).toSorted((a, b) => a - b)).toEqual(
    [10, 1_000, ...Array.from({ length: 50 }, (_, i) => i)].toSorted((a, b) => a - b),
  );
});

test("what cannot be looked for is not handled", async () => {
  const sealed = owner.seal(ref, add(1));
  next.store.failNextFind({ kind: "unavailable", reason: "no connection" });
  expect(await next.attempt(sealed, 2)).toMatchObject({
    error: { code: "STORE_UNAVAILABLE" },
    recorded: false,
  });
  next.store.failNextFind({ kind: "unreadable", reason: "no record" });
  expect(await next.attempt(sealed, 2)).toMatchObject({
    error: { code: "UNREADABLE_EVENT" },
    recorded: false,
  });
  expect(await next.attempt(sealed, 2)).toMatchObject({ answer: { duplicate: false } });
});

test("a log that was rolled back under the second attempt is looked in again", async () => {
  await next.get(ref);
  const sealed = owner.seal(ref, add(1));
  next.store.hold();
  const second = next.attempt(sealed, 2);
  await next.store.untilHeld();
  next.store.answerNext({ kind: "diverged" });
  next.store.release();
  expect(await second).toMatchObject({ answer: { duplicate: false, version: 2 } });
  expect(next.store.finds).toBe(2);
});

test("a get from another node has no receipt and needs none", async () => {
  const answer = await next.get(ref);
  expect(answer.version).toBe(1);
  const sealed = { ...owner.seal(ref, add(1)), message: undefined };
  expect(await next.attempt(sealed, 2)).toMatchObject({ answer: { version: 1, duplicate: false } });
  expect(next.store.finds).toBe(0);
});

test("a keyed message has both receipts, and either tells", async () => {
  const sealed = owner.seal(ref, add(1), { idempotencyKey: "k" });
  await next.attempt(sealed, 2);
  expect(await owner.attempt(sealed, 1)).toMatchObject({ answer: { duplicate: true, handledVersion: 2 } });
  expect(await third.send(ref, add(1), { idempotencyKey: "k" })).toMatchObject({ duplicate: true });
  const other = await failureOf(third.send(ref, add(3), { idempotencyKey: "k" }));
  expect(other?.code).toBe("KEY_REUSED");
});
