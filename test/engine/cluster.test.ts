// The life of nodes among others, all in one process: who has what, who is asked, and what is said where nobody can be.

import { afterEach, beforeEach, expect, test } from "vitest";
import { Catalog } from "../../src/core/catalog.ts";
import { partitionOf } from "../../src/core/partition.ts";
import { rank } from "../../src/core/rank.ts";
import type { Sealed } from "../../src/engine/envelope.ts";
import { writeQuestion } from "../../src/engine/parcels.ts";
import { sealMessage } from "../../src/engine/seal.ts";
import { defineEntity, newId, type Reference } from "../../src/index.ts";
import { failureOf, turns } from "../harness/engine-node.ts";
import { ledger } from "../harness/ledger.ts";
import { firsts, MemoryCluster, type MemoryNode, PARTITIONS } from "../harness/memory-cluster.ts";
import { until } from "../harness/until.ts";

/** Another type, which not all nodes host. */
const other = defineEntity({
  type: "other",
  init: () => 0,
  handle: (_: { readonly type: "add" }) => [{ type: "added" as const }],
  update: (_: { readonly type: "added" }, count: number) => count + 1,
});
const entities = [ledger];
const add = { type: "add", n: 1 };
let cluster: MemoryCluster;

beforeEach(() => {
  cluster = new MemoryCluster();
});
afterEach(() => cluster.stop());

async function three(): Promise<readonly [MemoryNode, MemoryNode, MemoryNode]> {
  const nodes = [
    await cluster.start("a", { entities }),
    await cluster.start("b", { entities }),
    await cluster.start("c", { entities }),
  ] as const;
  await cluster.settled();
  return [...nodes];
}

/** An entity whose partition is ranked so, of all nodes. */
function ranked(...order: readonly string[]): Reference {
  for (;;) {
    const id = newId();
    if (rank(partitionOf(id, PARTITIONS), order.toSorted()).join() === order.join()) return ledger.ref(id);
  }
}

test("each partition is with the first in rank; one that joins takes what it must, and moves nothing else", async () => {
  const [a] = await three();
  const before = a.owners;
  expect(before).toEqual(firsts(["a", "b", "c"]));
  await cluster.start("d", { entities });
  await cluster.settled();
  const moved = a.owners.filter((owner, partition) => owner !== before[partition]);
  expect(new Set(moved)).toEqual(new Set(["d"]));
});

test("only some partitions move at once, so that a join does not make all entities cold together", async () => {
  const alone = await cluster.start("a", { entities });
  await cluster.settled();
  let most = 0;
  // Held by the work in each of them: none is handed over before it ends.
  const working = Promise.withResolvers<void>();
  alone.duties.add({ begin: () => {}, end: () => working.promise });
  await cluster.start("b", { entities });
  await until("some are on the move", () => {
    most = Math.max(most, alone.wired.placement.moving);
    return most >= PARTITIONS / 8;
  });
  const half = alone.wired.placement.held.length - alone.wired.placement.wanted().size;
  expect(half, "more than that have to go").toBeGreaterThan(PARTITIONS / 8);
  await alone.send(ledger.ref(newId()), add);
  expect(alone.wired.placement.moving).toBe(PARTITIONS / 8);
  expect(alone.wired.placement.held).toHaveLength(PARTITIONS);
  working.resolve();
  await until("all have gone", () => alone.wired.placement.held.length < PARTITIONS / 2 + 16);
  await cluster.settled();
});

test("a partition is handed over when what is at work in it has ended; its messages go to the next owner at once", async () => {
  const [a] = [await cluster.start("a", { entities })];
  await cluster.settled();
  const ref = ranked("b", "a");
  const partition = partitionOf(ref.id, PARTITIONS);
  a.store.hold();
  const working = a.send(ref, add);
  await a.store.untilHeld();
  const b = await cluster.start("b", { entities });
  await until("it is on the move", () => a.wired.placement.isMoving(partition));
  expect(await b.send(ref, add)).toMatchObject({ version: 1 });
  expect(await a.send(ref, add)).toMatchObject({ version: 2 });
  expect(a.wired.placement.held, "its lease waits for what is at work").toContain(partition);
  a.store.release();
  expect(await working).toMatchObject({ version: 3, duplicate: false });
  await until("it is handed over", () => !a.wired.placement.held.includes(partition));
  await until("it is taken over", () => b.wired.placement.held.includes(partition));
});

test("whoever is to have a partition hears at once that it is free, and not by the next poll", async () => {
  cluster = new MemoryCluster(600_000); // a poll each two minutes
  const a = await cluster.start("a", { entities });
  await cluster.settled();
  const last = partitionOf(ranked("b", "a").id, PARTITIONS);
  const working = Promise.withResolvers<void>();
  a.duties.add({
    begin: () => {},
    end: (partition) => (partition === last ? working.promise : Promise.resolve()),
  });
  const b = await cluster.start("b", { entities });
  await until(
    "all others have moved",
    () => b.wired.placement.held.length === b.wired.placement.wanted().size - 1,
  );
  await turns(20);
  expect(b.wired.placement.held).not.toContain(last);
  working.resolve();
  await cluster.settled();
});

test("a node that stops gives its leases up: others have its partitions at once, and not when its time has passed", async () => {
  cluster = new MemoryCluster(600_000); // for as long as that nobody else would get them
  const [, , c] = await three();
  expect(c.wired.placement.held.length).toBeGreaterThan(0);
  cluster.nodes.splice(cluster.nodes.indexOf(c), 1);
  await c.end();
  await cluster.settled();
});

test("a node that was cut off from the registry does not claim, when it is back, what others have by now", async () => {
  const [a, b] = await three();
  let lost = 0;
  a.signals.on("lease-lost", () => {
    lost += 1;
  });
  const had = a.wired.placement.held;
  a.membership.isCut = true;
  await until("it knows that others count it as gone", () => a.wired.placement.isDetached);
  await until("its leases are with others", () =>
    had.every((partition) => b.owners[partition] !== "a" && b.owners[partition] !== null),
  );
  const told = a.membership.told.length;
  a.membership.isCut = false;
  await until("it is back", () => a.membership.told.length > told);
  expect(a.membership.told[told]?.partitions).toEqual([]);
  expect(lost).toBe(had.length);
  await cluster.settled();
});

test("the owner falls silent: the next in rank is asked, as attempt 2; when it is back, messages go to it again", async () => {
  cluster = new MemoryCluster(600_000); // what it knows of the others, it knows by their lines
  const [a, b, c] = await three();
  const ref = ranked("a", "b", "c");
  const own = ranked("a", "c", "b");
  expect(await c.send(ref, add)).toMatchObject({ version: 1 });
  expect(a.asked).toHaveLength(1);
  a.hold([b, c]);
  expect(await c.send(ref, add)).toMatchObject({ version: 2 });
  expect(b.asked.map(attemptOf)).toEqual([2]);
  expect(await c.send(ref, add), "known to be silent: it is not asked, and this is attempt 1").toMatchObject({
    version: 3,
  });
  expect(b.asked.map(attemptOf)).toEqual([2, 1]);
  expect(c.wired.forwarder.elsewhere(own), "where it is the next itself, it is not even sent").toBeNull();
  a.release([b, c]);
  await until("it is known to be back", () => whereTo(c, ref) === "a");
  await until("it has read what came late", () => a.asked.length === 2);
  expect(await c.send(ref, add), "the late attempt has changed nothing").toMatchObject({ version: 4 });
  expect(a.asked.map(attemptOf)).toEqual([1, 1, 1]);
  expect(b.asked).toHaveLength(2);
  expect(c.wired.forwarder.elsewhere(own)).toBe(partitionOf(own.id, PARTITIONS));
});

test("who is asked turns a message away in time, and takes it where its sender has nobody better", async () => {
  const [, b] = await three();
  const ref = ranked("a", "b", "c");
  const ask = async (attempt: number, hops: number, reference: Reference = ref) => {
    const sealed = sealedFor(reference);
    const { promise, resolve } = Promise.withResolvers<readonly unknown[]>();
    b.wired.reception.receive(writeQuestion(sealed, { attempt, hops, leftMs: 2_000 }), resolve);
    const [kind, why, to] = await promise;
    return kind === "ok" ? "taken" : `${why} ${to}`;
  };
  expect(await ask(1, 0), "another has it").toBe("moved a");
  expect(await ask(1, 1), "it was turned away once: two may each hold the other for the owner").toBe("taken");
  expect(await ask(2, 0), "its sender cannot reach the owner").toBe("taken");
  expect(await ask(1, 0, ranked("b", "a", "c")), "it has it itself").toBe("taken");
  expect(await ask(2, 5, other.ref(ref.id))).toBe("unhosted null");
  b.membership.isCut = true;
  await until("it knows that others count it as gone", () => b.wired.placement.isDetached);
  expect([await ask(1, 0), await ask(2, 0)], "another may still reach Redis").toEqual(
    Array(2).fill("detached null"),
  );
  expect([await ask(1, 1), await ask(2, 1)]).toEqual(["taken", "taken"]);
  b.membership.isCut = false;
  await b.wired.cluster.leave();
  expect([await ask(1, 3), await ask(2, 3)]).toEqual(Array(2).fill("stopping null"));
});

test("an owner that has lost Redis lets go of what it has taken: it is handled elsewhere, once", async () => {
  const [a, b, c] = await three();
  const ref = ranked("a", "b", "c");
  a.membership.isCut = true;
  a.store.hold();
  const sent = c.send(ref, add);
  await a.store.untilHeld();
  expect(await sent).toMatchObject({ version: 1, duplicate: false });
  expect(b.asked.map(attemptOf)).toEqual([2]);
  a.store.release();
  await until("the owner has done its own", () => a.engine.unanswered === 0);
  a.membership.isCut = false;
  expect(await c.send(ref, add)).toMatchObject({ version: 2 });
});

test("a message that is forwarded has with it how long its sender waits", async () => {
  const [a, , c] = await three();
  await c.send(ranked("a", "b", "c"), add, { timeoutMs: 3_000 });
  const left = leftMsOf(a.asked[0] ?? []);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(3_000);
});

test("a full mailbox is an answer, and no absence: nobody else is asked", async () => {
  const a = await cluster.start("a", { entities, mailbox: 1 });
  const b = await cluster.start("b", { entities });
  const c = await cluster.start("c", { entities });
  await cluster.settled();
  const ref = ranked("a", "b", "c");
  a.store.hold();
  const first = c.send(ref, add);
  await a.store.untilHeld();
  expect(await failureOf(c.send(ref, add))).toMatchObject({ code: "MAILBOX_FULL", outcome: "not-committed" });
  a.store.release();
  await first;
  expect([a.asked.length, b.asked.length]).toEqual([2, 0]);
});

test("a type is known from the moment that a node with it has joined, though nobody was told", async () => {
  const [a] = await three();
  expect(await failureOf(a.send(other.ref(newId()), { type: "add" }))).toMatchObject({
    code: "UNKNOWN_TYPE",
  });
  const looks = a.membership.told.length;
  await failureOf(a.send(other.ref(newId()), { type: "add" }));
  expect(a.membership.told.length, "it has looked for it").toBeGreaterThan(looks);
  const joining = cluster.start("d", { entities: [ledger, other] });
  await joining;
  expect(await a.send(other.ref(newId()), { type: "add" })).toMatchObject({ version: 1 });
});

test("a node that leaves alone says so at once of what it cannot hand on", async () => {
  const a = await cluster.start("a", { entities });
  await cluster.settled();
  const leaving = a.wired.cluster.leave();
  await turns();
  expect(await failureOf(a.send(ledger.ref(newId()), add))).toMatchObject({
    code: "NODE_STOPPING",
    outcome: "not-committed",
  });
  await leaving;
});

test("a pure sender: nobody to ask until its deadline is NO_OWNER, and unknown if an attempt went unanswered", async () => {
  const sender = await cluster.start("s", { entities: [], host: false });
  const ref = ledger.ref(newId());
  const from = performance.now();
  expect(await failureOf(sender.send(ref, add, { timeoutMs: 200 }))).toMatchObject({
    code: "NO_OWNER",
    outcome: "not-committed",
  });
  expect(performance.now() - from).toBeGreaterThan(190);
  const a = await cluster.start("a", { entities });
  expect(await sender.send(ref, add)).toMatchObject({ version: 1 });
  a.hold([sender]);
  expect(await failureOf(sender.send(ref, add, { timeoutMs: 1_500 }))).toMatchObject({
    code: "NO_OWNER",
    outcome: "unknown",
  });
  a.release([sender]);
  expect((await sender.send(ref, add)).version).toBeGreaterThan(1);
});

test("a pure sender, which commits nothing, knows the store's time by the registry", async () => {
  const sender = await cluster.start("s", { entities: [], host: false });
  const first = sender.store.sawMs;
  expect(Math.abs(first - cluster.log.now())).toBeLessThan(5_000);
  await until("it was told again", () => sender.store.sawMs > first);
});

test("a pure sender waits for whoever comes before its deadline", async () => {
  const sender = await cluster.start("s", { entities: [], host: false });
  const sent = sender.send(ledger.ref(newId()), add);
  await turns();
  await cluster.start("a", { entities });
  expect(await sent).toMatchObject({ version: 1 });
});

function whereTo({ wired }: MemoryNode, { id, type }: Reference): string {
  const route = wired.placement.route(partitionOf(id, PARTITIONS), type);
  return route.kind === "there" ? route.member.id : route.kind;
}

function sealedFor(reference: Reference): Sealed {
  const message = { type: "add", n: 1 };
  const stamp = { messageId: newId(), now: performance.now(), sentAt: cluster.log.now() };
  const rules = { timeoutMs: 2_000, longestTimeoutMs: 60_000, network: "main", maxMessageBytes: 1_000 };
  return sealMessage(reference, message, undefined, stamp, {
    ...rules,
    clustered: true,
    catalog: new Catalog([], []),
  });
}

/** Its place in a question: src/engine/parcels.ts. */
function attemptOf(question: readonly unknown[]): unknown {
  return question[5];
}

/** How long its sender still waits, milliseconds: there too. */
function leftMsOf(question: readonly unknown[]): unknown {
  return question[7];
}
