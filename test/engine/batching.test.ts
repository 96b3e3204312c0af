// While one commit is on its way, the next batch is made; and nothing of it exists before it is in the log.

import { beforeEach, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { dispatched, handled, ledger, notify } from "../harness/ledger.ts";

let node: EngineNode;
const open = () => new EngineNode({ entities: [ledger], effects: [notify] });
const add = (n: number) => ({ type: "add", n });

beforeEach(() => {
  node = open();
  dispatched.length = 0;
  handled.length = 0;
});

async function warm() {
  const ref = ledger.ref(newId());
  await node.send(ref, add(0));
  node.store.asked.length = 0;
  handled.length = 0;
  return ref;
}

test("messages that come while a commit is in flight are committed together", async () => {
  const ref = await warm();
  node.store.hold();
  const first = node.send(ref, add(1));
  await node.store.untilHeld();
  const others = [2, 3, 4].map((n) => node.send(ref, add(n)));
  await turns();
  node.store.release();
  const answers = await Promise.all([first, ...others]);
  expect(node.store.asked.map(({ commit }) => commit.records.length)).toEqual([1, 3]);
  expect(answers.map(({ version }) => version)).toEqual([2, 3, 4, 5]);
  expect(answers.map(({ reply }) => reply)).toEqual([1, 3, 6, 10]);
});

test("each sender of a batch gets the state and the version of its own message", async () => {
  const ref = await warm();
  const answers = await Promise.all([add(1), { type: "sum" }, add(2)].map((m) => node.send(ref, m)));
  expect(node.store.asked).toHaveLength(1);
  expect(answers.map(({ value }) => value)).toEqual([
    { ns: [0, 1], sum: 1 },
    { ns: [0, 1], sum: 1 },
    { ns: [0, 1, 2], sum: 3 },
  ]);
  expect(answers.map(({ version, handledVersion }) => [version, handledVersion])).toEqual([
    [2, 2],
    [2, 2],
    [3, 3],
  ]);
});

test("commits of many entities in one turn of the event loop share a call", async () => {
  const refs = Array.from({ length: 20 }, () => ledger.ref(newId()));
  await Promise.all(refs.map((ref) => node.send(ref, add(1))));
  expect(node.store.callSizes).toEqual([20]);
});

test("where a store takes two calls at once, each has its share, and few commits wait for the one under way", async () => {
  const refs = Array.from({ length: 126 }, () => ledger.ref(newId()));
  await Promise.all(refs.map((ref) => node.send(ref, add(0))));
  const { store } = node;
  store.calls = 2;
  store.hold();
  const send = (from: number, to: number) => refs.slice(from, to).map((ref) => node.send(ref, add(1)));
  store.callSizes.length = 0;
  const sent = send(0, 100);
  await store.untilHeld(100);
  sent.push(...send(100, 126)); // both are under way
  await turns(20);
  expect(store.callSizes).toEqual([50, 50]);
  store.release();
  await Promise.all(sent);
  store.hold();
  store.callSizes.length = 0;
  const few = send(0, 10);
  await store.untilHeld(10);
  few.push(...send(10, 25)); // not worth a call beside another
  await turns(20);
  expect(store.callSizes).toEqual([10]);
  few.push(...send(25, 26));
  await store.untilHeld(26);
  expect(store.callSizes).toEqual([10, 16]);
  store.release();
  await Promise.all(few);
});

test.each([
  ["a rejection", { type: "refuse-above", most: 0 }],
  ["a reply", { type: "sum" }],
  ["a failure of the handler", { type: "throw" }],
  ["an effect", { type: "notify", n: 7 }],
])("%s that was computed on an uncommitted state waits for its commit", async (_, message) => {
  const ref = await warm();
  node.store.hold();
  const first = node.send(ref, add(5));
  await node.store.untilHeld();
  let settled = false;
  const second = node.send(ref, message).finally(() => {
    settled = true;
  });
  second.catch(() => {});
  await turns(20);
  expect(settled).toBe(false);
  expect(dispatched).toEqual([]);
  node.store.release();
  await first;
  await failureOf(second);
  expect(settled).toBe(true);
});

test("a get waits for the commit whose state it saw", async () => {
  const ref = await warm();
  node.store.hold();
  const first = node.send(ref, add(5));
  await node.store.untilHeld();
  let seen: unknown;
  const get = node.get(ref).then(({ value }) => {
    seen = value;
  });
  await turns(20);
  expect(seen).toBeUndefined();
  node.store.release();
  await Promise.all([first, get]);
  expect(seen).toEqual({ ns: [0, 5], sum: 5 });
});

test("a speculative rejection is computed again, and not told, where its commit loses", async () => {
  const ref = await warm();
  node.store.hold();
  const first = node.send(ref, add(5));
  await node.store.untilHeld();
  // On the uncommitted state the sum is 5, which is too much; on what the log will hold it is -15.
  const second = node.send(ref, { type: "refuse-above", most: 4 });
  await turns();
  const other = new EngineNode({ entities: [ledger], effects: [notify], log: node.log, clock: node.clock });
  await other.send(ref, add(-20));
  node.store.release();
  expect((await first).value).toEqual({ ns: [0, -20, 5], sum: -15 });
  expect(await second).toMatchObject({ reply: -15, version: 3 });
});

test("a speculative get is computed again where its commit loses", async () => {
  const ref = await warm();
  node.store.hold();
  const first = node.send(ref, add(5));
  await node.store.untilHeld();
  const get = node.get(ref);
  await turns();
  const other = new EngineNode({ entities: [ledger], effects: [notify], log: node.log, clock: node.clock });
  await other.send(ref, add(7));
  node.store.release();
  await first;
  expect((await get).value).toEqual({ ns: [0, 7, 5], sum: 12 });
});

test("nothing of a lost attempt is dispatched; the attempt that wins dispatches once", async () => {
  const ref = await warm();
  node.store.hold();
  const sent = node.send(ref, { type: "add-and-notify", n: 1 });
  await node.store.untilHeld();
  const other = new EngineNode({ entities: [ledger], effects: [notify], log: node.log, clock: node.clock });
  await other.send(ref, add(2));
  node.store.releaseOne();
  await node.store.untilHeld();
  expect(dispatched).toEqual([]);
  node.store.release();
  await sent;
  const [winner] = node.store.asked.slice(-1);
  expect(dispatched).toMatchObject([{ payload: 1, version: 3, effectId: `${winner?.commit.commitId}-0` }]);
});

test("a batch is closed at its bound, and the rest goes with the next one", async () => {
  const ref = await warm();
  const answers = await Promise.all(Array.from({ length: 700 }, (_, n) => node.send(ref, add(n))));
  expect(node.store.asked.map(({ commit }) => commit.records.length)).toEqual([512, 188]);
  expect(answers.map(({ version }) => version)).toEqual(Array.from({ length: 700 }, (_, i) => i + 2));
});

test("one message may yield more events than a batch is closed at", async () => {
  const ref = await warm();
  const ns = Array.from({ length: 2_000 }, () => 1);
  const answer = await node.send(ref, { type: "add-many", ns });
  expect(answer).toMatchObject({ version: 2_001, handledVersion: 2_001 });
  expect(await node.records(ref)).toHaveLength(2_001);
});

test("a full mailbox refuses at once, and takes again when there is room", async () => {
  node = new EngineNode({ entities: [ledger], effects: [notify], mailbox: 3 });
  const ref = ledger.ref(newId());
  node.store.hold();
  const taken = [1, 2, 3].map((n) => node.send(ref, add(n)));
  const refused = await failureOf(node.send(ref, add(4)));
  expect(refused).toMatchObject({ code: "MAILBOX_FULL", outcome: "not-committed", retryable: true });
  node.store.release();
  await Promise.all(taken);
  expect(await node.send(ref, add(5))).toMatchObject({ version: 4 });
  expect(handled).not.toContain(4);
});

test("a message that was refused at the mailbox does not hold up stop", async () => {
  node = new EngineNode({ entities: [ledger], mailbox: 1 });
  const ref = ledger.ref(newId());
  const taken = node.send(ref, add(1));
  expect(await failureOf(node.send(ref, add(2)))).toMatchObject({ code: "MAILBOX_FULL" });
  await taken;
  await node.engine.stop(60_000); // the test's own time is far below
});
