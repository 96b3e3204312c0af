// A commit that loses, fails or is never heard of: what becomes of its messages, and of those behind them.

import { beforeEach, expect, test } from "vitest";
import { newId, type Reference } from "../../src/index.ts";
import type { CommitResult } from "../../src/ports/event-store.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { dispatched, handled, ledger, notify } from "../harness/ledger.ts";

let node: EngineNode;
let ref: Reference;
const add = (n: number) => ({ type: "add", n });
const numbersOf = async () =>
  (await node.records(ref)).map(({ event }) => (JSON.parse(event) as { n?: number }).n ?? null);
const anotherNode = () =>
  new EngineNode({ entities: [ledger], effects: [notify], log: node.log, clock: node.clock });

beforeEach(async () => {
  node = new EngineNode({ entities: [ledger], effects: [notify] });
  ref = ledger.ref(newId());
  await node.send(ref, add(0));
  node.store.asked.length = 0;
  node.store.loads = 0;
  dispatched.length = 0;
  handled.length = 0;
});

/** One message in flight, and held there. */
async function inFlight(message: unknown = add(1), options = {}) {
  node.store.hold();
  const flying = node.send(ref, message, options);
  await node.store.untilHeld();
  // In an object: an async function would wait for the promise itself.
  return { flying };
}

test("after a conflict the messages are handled again on the caught-up state, without a load", async () => {
  await inFlight();
  const second = node.send(ref, add(2));
  await turns();
  const signals: unknown[] = [];
  node.signals.on("conflict", (payload) => signals.push(payload));
  await anotherNode().send(ref, add(100));
  node.store.release();
  expect(await second).toMatchObject({ version: 4, value: { sum: 103 } });
  expect(await numbersOf()).toEqual([0, 100, 1, 2]);
  expect(node.store.loads).toBe(0);
  expect(signals).toEqual([{ reference: ref, version: 1 }]);
});

test("after a lost commit the next batch is short, and the one behind it as long as any", async () => {
  const held = await inFlight();
  const rest = Array.from({ length: 300 }, () => node.send(ref, add(2)));
  await turns();
  await anotherNode().send(ref, add(100));
  node.store.release();
  await Promise.all([held.flying, ...rest]);
  expect(node.store.asked.map(({ commit }) => commit.records.length)).toEqual([1, 64, 237]);
});

test("a conflict that missed more than one page is loaded afresh", async () => {
  const held = await inFlight();
  await anotherNode().send(ref, { type: "add-many", ns: Array.from({ length: 300 }, () => 1) });
  node.store.release();
  expect(await held.flying).toMatchObject({ version: 302 });
  expect(node.store.loads).toBe(1);
});

test("a conflict whose records do not follow on the memory is loaded afresh", async () => {
  const held = await inFlight();
  const [first] = await node.records(ref);
  const foreign = first === undefined ? [] : [{ ...first, commitId: "another" }];
  node.store.answerNext({ kind: "conflict", missed: foreign });
  node.store.release();
  expect(await held.flying).toMatchObject({ version: 2 });
  expect(node.store.loads).toBe(1);
});

test("retry: false is CONFLICT only for the message whose commit lost; those behind it are handled", async () => {
  const held = await inFlight(add(1), { retry: false });
  const behind = node.send(ref, add(2), { retry: false });
  await turns();
  await anotherNode().send(ref, add(100));
  node.store.release();
  expect(await failureOf(held.flying)).toMatchObject({
    code: "CONFLICT",
    outcome: "not-committed",
    retryable: true,
  });
  expect(await behind).toMatchObject({ version: 3 });
  expect(await numbersOf()).toEqual([0, 100, 2]);
});

test("two nodes on one log without leases: one history, every answer right", async () => {
  const nodes = [node, anotherNode()];
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => (nodes[i % 2] ?? node).send(ref, add(1))),
  );
  const versions = answers.map(({ handledVersion }) => handledVersion).sort((a, b) => a - b);
  expect(versions).toEqual(Array.from({ length: 200 }, (_, i) => i + 2));
  for (const { version, value } of answers) expect(value).toMatchObject({ sum: version - 1 });
});

test("a message that is found among the missed records is a duplicate, and not handled again", async () => {
  const held = await inFlight();
  const [{ commit } = { commit: undefined }] = node.store.asked;
  const [record] = commit?.records ?? [];
  expect(commit).toBeDefined();
  // As if another node had handled this very message, by a commit of its own.
  if (commit !== undefined && record !== undefined) {
    node.store.answerNext({
      kind: "conflict",
      missed: await appendDirectly(commit.key, { ...record, reply: '"theirs"' }, commit.expected),
    });
  }
  handled.length = 0;
  node.store.release();
  expect(await held.flying).toMatchObject({
    duplicate: true,
    reply: "theirs",
    handledVersion: 2,
    version: 2,
  });
  expect(handled).toEqual([]);
  expect(await numbersOf()).toEqual([0, 1]);
});

async function appendDirectly(
  key: { id: string; partition: number },
  record: { messageId: string; event: string; reply: string },
  expected: { version: number; commitId: string },
) {
  const commit = { key, type: "ledger", commitId: "theirs", expected, records: [record], receipts: [] };
  const direct = node.log.findOrMake(key);
  direct.append({ ...commit, snapshot: null }, 1);
  const read = direct.read(expected.version, 10);
  return read.kind === "loaded" ? read.records : [];
}

test("unknown: those in the commit hear unknown, the memory is dropped, those behind are handled", async () => {
  const held = await inFlight();
  const behind = node.send(ref, add(2));
  await turns();
  node.store.loseNextReply();
  node.store.release();
  const failure = await failureOf(held.flying);
  expect(failure).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "unknown", retryable: true });
  expect(await behind).toMatchObject({ version: 3, value: { ns: [0, 1, 2] } });
  expect(node.store.loads).toBe(1);
});

test("unknown, and it lands later: it is compared, and one history remains", async () => {
  const held = await inFlight();
  node.store.delayNext();
  node.store.release();
  expect(await failureOf(held.flying)).toMatchObject({ outcome: "unknown" });
  await node.send(ref, add(2));
  expect((await node.store.landLate()).map(({ kind }) => kind)).toEqual(["conflict"]);
  expect(await numbersOf()).toEqual([0, 2]);
});

test("a store that breaks its promise and throws is unknown, and the node goes on", async () => {
  const held = await inFlight();
  node.store.throwNext();
  node.store.release();
  expect(await failureOf(held.flying)).toMatchObject({ outcome: "unknown" });
  expect(await node.send(ref, add(2))).toMatchObject({ value: { ns: [0, 2] } });
});

test("unavailable: not committed, and those behind are tried for themselves", async () => {
  const held = await inFlight();
  const behind = node.send(ref, add(2));
  await turns();
  node.store.answerNext({ kind: "unavailable", reason: "no connection" });
  node.store.release();
  expect(await failureOf(held.flying)).toMatchObject({
    code: "STORE_UNAVAILABLE",
    outcome: "not-committed",
  });
  expect(await behind).toMatchObject({ version: 2, value: { ns: [0, 2] } });
});

test.each<[string, CommitResult]>([
  ["diverged", { kind: "diverged" }],
  ["reload", { kind: "reload" }],
])("%s: the memory is dropped, and the messages are handled on what the log holds", async (kind, result) => {
  const signals: unknown[] = [];
  node.signals.on("log-diverged", (payload) => signals.push(payload));
  const held = await inFlight();
  const behind = node.send(ref, add(2));
  await turns();
  node.store.answerNext(result);
  node.store.release();
  expect(await held.flying).toMatchObject({ version: 2 });
  expect(await behind).toMatchObject({ version: 3, value: { ns: [0, 1, 2] } });
  expect(node.store.loads).toBe(1);
  expect(signals).toEqual(kind === "diverged" ? [{ reference: ref, version: 1 }] : []);
});

test("a log that was rolled back under a warm worker: signalled, reloaded, and sends succeed", async () => {
  await node.send(ref, add(1));
  const signals: unknown[] = [];
  node.signals.on("log-diverged", (payload) => signals.push(payload));
  node.log.find({ id: ref.id, partition: 0 })?.rollBack(1);
  await anotherNode().send(ref, { type: "add-many", ns: [7, 8, 9] });
  expect(await node.send(ref, add(2))).toMatchObject({ value: { ns: [0, 7, 8, 9, 2] } });
  expect(signals).toEqual([{ reference: ref, version: 2 }]);
});

test("one message that the store refuses does not sink the others of its batch", async () => {
  node.store.refuseRecords((event) => event.includes('"n":13'));
  const sent = [1, 13, 2, 3].map((n) => node.send(ref, add(n)));
  const outcomes = await Promise.all(sent.map(failureOf));
  expect(outcomes.map((failure) => failure?.code)).toEqual([
    undefined,
    "UNREADABLE_EVENT",
    undefined,
    undefined,
  ]);
  expect(outcomes[1]?.outcome).toBe("not-committed");
  expect(await numbersOf()).toEqual([0, 1, 2, 3]);
});

test("after a refusal, batches are made again", async () => {
  node.store.refuseRecords((event) => event.includes('"n":13'));
  await Promise.all([1, 13, 2].map((n) => failureOf(node.send(ref, add(n)))));
  node.store.asked.length = 0;
  await Promise.all([4, 5, 6].map((n) => node.send(ref, add(n))));
  expect(node.store.asked.map(({ commit }) => commit.records.length)).toEqual([3]);
});

test("a load that fails: those whom it was for hear why; for whoever came since it is tried again", async () => {
  const cold = anotherNode();
  cold.store.holdLoads();
  const waiting = [cold.send(ref, add(1)), cold.get(ref)];
  await cold.store.untilLoadHeld();
  const late = cold.send(ref, add(2));
  cold.store.failNextLoad({ kind: "unavailable", reason: "no connection" });
  cold.store.releaseLoads();
  for (const promise of waiting) {
    expect(await failureOf(promise)).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "not-committed" });
  }
  expect(await late).toMatchObject({ value: { ns: [0, 2] } });
});

test("records that cannot be read: everybody who waits hears why, and the next message tries again", async () => {
  const cold = anotherNode();
  cold.store.holdLoads();
  const first = cold.send(ref, add(1));
  await cold.store.untilLoadHeld();
  const late = cold.send(ref, add(2));
  cold.store.failNextLoad({ kind: "unreadable", reason: "a foreign key" });
  cold.store.releaseLoads();
  for (const promise of [first, late]) {
    expect(await failureOf(promise)).toMatchObject({ code: "UNREADABLE_EVENT", outcome: "not-committed" });
  }
  expect(await cold.send(ref, add(3))).toMatchObject({ value: { ns: [0, 3] } });
});

test("no effect and no record of a message that was never committed", async () => {
  const held = await inFlight({ type: "add-and-notify", n: 1 });
  node.store.answerNext({ kind: "unavailable", reason: "no connection" });
  node.store.release();
  await failureOf(held.flying);
  await turns();
  expect(dispatched).toEqual([]);
  expect(await numbersOf()).toEqual([0]);
});
