// A caller's key: one handling for all messages that carry it, whenever and however they come.

import { beforeEach, expect, test } from "vitest";
import { fingerprint } from "../../src/engine/fingerprint.ts";
import { newId, type Reference } from "../../src/index.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { ledger } from "../harness/ledger.ts";

let node: EngineNode;
let ref: Reference;
const add = (n: number) => ({ type: "add", n });
const key = { idempotencyKey: "k" };

beforeEach(async () => {
  node = new EngineNode({ entities: [ledger] });
  ref = ledger.ref(newId());
  await node.send(ref, add(0));
});

test("two messages with one key in one batch are handled once", async () => {
  const [first, second] = await Promise.all([node.send(ref, add(1), key), node.send(ref, add(1), key)]);
  expect(first).toMatchObject({ version: 2, handledVersion: 2, reply: 1, duplicate: false });
  expect(second).toMatchObject({ version: 2, handledVersion: 2, reply: 1, duplicate: true });
  expect(await node.records(ref)).toHaveLength(2);
});

test("a message whose key is in the commit in flight waits for it, and gets its answer", async () => {
  node.store.hold();
  const first = node.send(ref, add(1), key);
  await node.store.untilHeld();
  const second = node.send(ref, add(1), key);
  const other = node.send(ref, add(2));
  await turns();
  node.store.release();
  expect(await first).toMatchObject({ duplicate: false, version: 2 });
  expect(await second).toMatchObject({ duplicate: true, handledVersion: 2, reply: 1 });
  await other;
  expect(await node.records(ref)).toHaveLength(3);
});

test("later, from another node, the state is today's and the rest is the first answer's", async () => {
  await node.send(ref, add(1), key);
  await node.send(ref, add(2));
  const other = new EngineNode({ entities: [ledger], log: node.log, clock: node.clock });
  expect(await other.send(ref, add(1), key)).toMatchObject({
    version: 3,
    handledVersion: 2,
    reply: 1,
    duplicate: true,
    value: { ns: [0, 1, 2] },
  });
});

test("a duplicate that is found by a worker whose memory is old gets today's state", async () => {
  const other = new EngineNode({ entities: [ledger], log: node.log, clock: node.clock });
  await other.send(ref, add(1), key);
  await other.send(ref, add(2));
  const [duplicate, plain] = await Promise.all([node.send(ref, add(1), key), node.send(ref, add(3))]);
  expect(duplicate).toMatchObject({ version: 3, handledVersion: 2, duplicate: true });
  expect(plain).toMatchObject({ version: 4, value: { ns: [0, 1, 2, 3] } });
});

test("a duplicate and a message that does not retry: only the latter sees the conflict", async () => {
  const other = new EngineNode({ entities: [ledger], log: node.log, clock: node.clock });
  await other.send(ref, add(1), key);
  const duplicate = node.send(ref, add(1), { ...key, retry: false });
  const strict = node.send(ref, add(2), { retry: false });
  expect(await duplicate).toMatchObject({ duplicate: true });
  expect(await failureOf(strict)).toMatchObject({ code: "CONFLICT" });
});

test("the key with another message is KEY_REUSED, in the same batch and later; the order of keys does not matter", async () => {
  const sent = [node.send(ref, add(1), key), node.send(ref, add(2), key)];
  expect(await failureOf(sent[1] ?? Promise.resolve())).toMatchObject({ code: "KEY_REUSED" });
  expect(await failureOf(node.send(ref, add(3), key))).toMatchObject({
    code: "KEY_REUSED",
    outcome: "not-committed",
  });
  expect(await node.send(ref, { n: 1, type: "add" }, key)).toMatchObject({ duplicate: true });
});

test("a key belongs to one entity", async () => {
  const another = ledger.ref(newId());
  await node.send(ref, add(1), key);
  expect(await node.send(another, add(2), key)).toMatchObject({ duplicate: false, version: 1 });
});

test("a keyed message that was rejected is rejected again, though the state would take it by now", async () => {
  await node.send(ref, add(10));
  const message = { type: "refuse-above", most: 5 };
  expect(await failureOf(node.send(ref, message, key))).toMatchObject({ code: "REJECTED" });
  await node.send(ref, add(-10));
  expect(await failureOf(node.send(ref, message, key))).toMatchObject({
    code: "REJECTED",
    detail: { code: "too-much", detail: { sum: 10 } },
  });
});

test("a keyed message that yielded nothing is a duplicate with its first reply", async () => {
  await node.send(ref, { type: "sum" }, key);
  await node.send(ref, add(4));
  expect(await node.send(ref, { type: "sum" }, key)).toMatchObject({
    duplicate: true,
    reply: 0,
    handledVersion: 1,
    version: 2,
  });
});

test("a keyed message whose handler failed is handled anew", async () => {
  expect(await failureOf(node.send(ref, { type: "throw" }, key))).toMatchObject({ code: "HANDLER_FAILED" });
  expect(await node.send(ref, add(1), key)).toMatchObject({ duplicate: false });
});

test("a key is forgotten after its time", async () => {
  await node.send(ref, add(1), key);
  node.clock.pass(86_400_001);
  expect(await node.send(ref, add(1), key)).toMatchObject({ duplicate: false, version: 3 });
});

test("unknown, then the same key again: the first answer if it was written", async () => {
  node.store.loseNextReply();
  expect(await failureOf(node.send(ref, add(1), key))).toMatchObject({ outcome: "unknown" });
  expect(await node.send(ref, add(1), key)).toMatchObject({ duplicate: true, handledVersion: 2, version: 2 });
});

test("unknown, the same key again, and then the first one arrives: one of them is in the log", async () => {
  node.store.delayNext();
  expect(await failureOf(node.send(ref, add(1), key))).toMatchObject({ outcome: "unknown" });
  expect(await node.send(ref, add(1), key)).toMatchObject({ duplicate: false, version: 2 });
  await node.store.landLate();
  expect(await node.records(ref)).toHaveLength(2);
});

/** A node that has recognised a duplicate, and is kept from answering it. */
async function recognised(timeoutMs: number) {
  await node.send(ref, add(1), key);
  const other = new EngineNode({ entities: [ledger], log: node.log, clock: node.clock });
  await other.get(ref);
  other.store.hold();
  const sent = other.send(ref, add(1), { ...key, timeoutMs });
  await other.store.untilHeld();
  other.store.releaseOne();
  await turns(10);
  await other.store.untilHeld();
  return { other, sent };
}

test("a recognised duplicate whose answer is not reached was committed: its error never says otherwise", async () => {
  const { other, sent } = await recognised(5_000);
  other.store.answerNext({ kind: "unavailable", reason: "no connection" });
  other.store.release();
  expect(await failureOf(sent)).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "unknown" });
});

test("a recognised duplicate whose load fails was committed: its error never says otherwise", async () => {
  const { other, sent } = await recognised(5_000);
  other.store.answerNext({ kind: "reload" });
  other.store.failNextLoad({ kind: "unavailable", reason: "no connection" });
  other.store.release();
  expect(await failureOf(sent)).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "unknown" });
});

test("a receipt that is no receipt is an error of that message, and hurts nobody else", async () => {
  const hash = fingerprint(add(1));
  const texts = [
    "",
    "null",
    "{",
    `{"outcome":"committed","version":1,"hash":"${hash}"}`,
    '{"outcome":"rejected"}',
  ];
  for (const [i, value] of texts.entries()) {
    const idempotencyKey = `corrupt ${i}`;
    const step = { kind: "k", key: idempotencyKey, write: { value, ttlMs: 1_000 }, notAfter: null } as const;
    node.log.receipts.keep({ id: ref.id, partition: 0 }, step, "theirs", node.log.now());
    const sent = [node.send(ref, add(1), { idempotencyKey }), node.send(ref, add(2))];
    const [failure, other] = await Promise.all(sent.map(failureOf));
    expect(failure).toMatchObject({ code: "UNREADABLE_EVENT", outcome: "unknown" });
    expect(other).toBeUndefined();
  }
});
