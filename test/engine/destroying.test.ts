// The end of an entity, and what becomes of messages that meet it, in every order.

import { beforeEach, expect, test } from "vitest";
import { newId, type Reference } from "../../src/index.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { ledger } from "../harness/ledger.ts";

let node: EngineNode;
let other: EngineNode;
let ref: Reference;
const add = (n: number) => ({ type: "add", n });

beforeEach(async () => {
  node = new EngineNode({ entities: [ledger] });
  other = new EngineNode({ entities: [ledger], log: node.log, clock: node.clock });
  ref = ledger.ref(newId());
  await node.send(ref, add(1));
  await node.send(ref, add(2));
});

const end = async (promise: Promise<unknown>): Promise<string> => {
  const error = await failureOf(promise);
  return error === undefined ? "ok" : `${error.code} ${error.outcome}`;
};

test("one record is left, at the next version; sends and gets are DESTROYED from then on, everywhere", async () => {
  await other.get(ref); // warm
  expect(await node.destroy(ref)).toMatchObject({ version: 3, handledVersion: 3 });
  expect((await node.records(ref)).map(({ version, event }) => [version, event])).toEqual([
    [3, '{"type":"$destroyed"}'],
  ]);
  const cold = new EngineNode({ entities: [ledger], log: node.log, clock: node.clock });
  for (const one of [node, other, cold]) {
    expect(await end(one.send(ref, add(3)))).toBe("DESTROYED not-committed");
    expect(await end(one.get(ref))).toBe("DESTROYED not-committed");
    expect(await end(one.get(ref, { stale: true }))).toBe("DESTROYED not-committed");
    expect(await end(one.send(ref, add(3), { expected: 2 }))).toBe("DESTROYED not-committed");
  }
  expect(await node.records(ref)).toHaveLength(1);
});

test("it can be said twice, also at once, also of one that never was", async () => {
  const [first, second] = await Promise.all([node.destroy(ref), other.destroy(ref)]);
  expect([first.version, second.version]).toEqual([3, 3]);
  expect(await other.destroy(ref)).toMatchObject({ version: 3 });
  const never = ledger.ref(newId());
  expect(await node.destroy(never)).toMatchObject({ version: 1 });
  expect(await end(other.send(never, add(1)))).toBe("DESTROYED not-committed");
});

test("what came before it in the mailbox is handled, what came after is not", async () => {
  node.store.hold();
  const flying = node.send(ref, add(3));
  await node.store.untilHeld();
  const before = node.send(ref, add(4));
  const destroyed = node.destroy(ref);
  const after = node.send(ref, add(5));
  const get = node.get(ref);
  await turns();
  node.store.release();
  expect(await flying).toMatchObject({ version: 3 });
  expect(await before).toMatchObject({ version: 4 });
  expect(await destroyed).toMatchObject({ version: 5 });
  expect(await end(after)).toBe("DESTROYED not-committed");
  expect(await end(get)).toBe("DESTROYED not-committed");
});

test("one that loses to a message is tried again, and ends what that has made", async () => {
  node.store.hold();
  const destroyed = node.destroy(ref);
  await node.store.untilHeld();
  await other.send(ref, add(3));
  node.store.release();
  expect(await destroyed).toMatchObject({ version: 4 });
});

test("a commit that is being resent when the entity goes: nobody can tell any more, and nobody claims to", async () => {
  const lost = node.send(ref, add(3));
  await lost;
  await other.destroy(ref);
  node.store.answerNext({ kind: "reload", mayHaveRun: true });
  expect(await end(node.send(ref, add(4)))).toBe("DESTROYED unknown");
  expect(await end(node.send(ref, add(5)))).toBe("DESTROYED not-committed");
});

test("the same from version 0 on, where the resent commit meets a conflict", async () => {
  const fresh = ledger.ref(newId());
  await other.destroy(fresh);
  const missed = await node.records(fresh);
  node.store.answerNext({ kind: "conflict", missed, mayHaveRun: true });
  expect(await end(node.send(fresh, add(1)))).toBe("DESTROYED unknown");
});

test("a later attempt at a message: the first one may have been handled, and be gone with the entity", async () => {
  const sealed = node.seal(ref, add(3));
  await node.attempt(sealed, 1);
  await other.destroy(ref);
  expect(await other.attempt(sealed, 2)).toMatchObject({ error: { code: "DESTROYED", outcome: "unknown" } });
  expect(await node.attempt(sealed, 1)).toMatchObject({ error: { code: "DESTROYED", outcome: "unknown" } });
});

test("an attempt at the end itself that is tried again finds it", async () => {
  const sealed = { ...node.seal(ref, { type: "$destroy" }), answer: "none" as const, destroys: true };
  expect(await node.attempt(sealed, 1)).toMatchObject({ answer: { version: 3 } });
  expect(await other.attempt(sealed, 2)).toMatchObject({ answer: { version: 3, duplicate: true } });
});

test("a key that was used before the end: the first answer cannot be told whole any more", async () => {
  await node.send(ref, add(3), { idempotencyKey: "k" });
  await other.destroy(ref);
  expect(await end(node.send(ref, add(3), { idempotencyKey: "k" }))).toBe("DESTROYED unknown");
});

test("a message that a sender calls $destroy is a message", async () => {
  expect(await end(node.send(ref, { type: "$destroy" }))).not.toBe("ok");
  expect(await node.get(ref)).toMatchObject({ version: 2 });
});
