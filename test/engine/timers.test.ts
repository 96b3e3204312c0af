// Firings among other messages, commit by commit: what is handled once, what is dropped, and what comes back.

import { beforeEach, expect, test } from "vitest";
import { partitionOf } from "../../src/core/partition.ts";
import type { Firing } from "../../src/core/timer.ts";
import type { Answer } from "../../src/engine/envelope.ts";
import { newId, type Reference } from "../../src/index.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import type { StoredTimer } from "../../src/ports/timers.ts";
import { alarm, rings } from "../harness/alarm.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";

let clock: VirtualClock;
let log: MemoryLog;
let node: EngineNode;
let other: EngineNode;
const open = () => new EngineNode({ entities: [alarm], clock, log });

beforeEach(() => {
  clock = new VirtualClock();
  log = new MemoryLog(clock);
  node = open();
  other = open();
  rings.length = 0;
});

const keyOf = ({ id }: Reference) => ({ id, partition: partitionOf(id, 32) });

function timersOf(ref: Reference): readonly StoredTimer[] {
  return [...log.timers.of(keyOf(ref)).values()];
}

function timerOf(ref: Reference, name = "a"): StoredTimer {
  const timer = log.timers.of(keyOf(ref)).get(name);
  if (timer === undefined) throw new Error(`there is no timer ${name}`);
  return timer;
}

function firingOf({ name, generation, dueAt, everyMs }: StoredTimer, missed = 0): Firing {
  return { name, generation, dueAt, lateMs: 3, missed, every: everyMs };
}

/** Fires a timer as its owner would; what the owner hears. */
function fire(at: EngineNode, ref: Reference, timer: StoredTimer, missed = 0): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sender = { resolve: (answer: unknown) => resolve(answer as Answer), reject };
  at.engine.fire(ref, timer.message, firingOf(timer, missed), sender);
  promise.catch(() => {});
  return promise;
}

async function withTimer(ring = {}, parts = {}) {
  const ref = alarm.ref(newId());
  await node.send(ref, { type: "set", name: "a", after: 50, ring, ...parts });
  node.store.asked.length = 0;
  return { ref, timer: timerOf(ref) };
}

async function typesOf(ref: Reference): Promise<readonly string[]> {
  const records = await node.records(ref);
  return records.map(({ event }) => (JSON.parse(event) as { readonly type: string }).type);
}

test("a firing is told its due time, and a time that is not before it", async () => {
  const { ref, timer } = await withTimer();
  expect(await fire(node, ref, timer)).toMatchObject({ version: 2, duplicate: false });
  const [, rang] = await node.records(ref);
  const told = JSON.parse(rang?.event ?? "");
  expect(told).toEqual({
    type: "rang",
    name: "a",
    tag: null,
    dueAt: timer.dueAt,
    lateMs: 3,
    missed: 0,
    now: timer.dueAt + 3, // this clock stands still: the time at which the timer was read is the later one
  });
  expect(rang?.messageId).toBe(`${timer.generation}-${timer.dueAt.toString(36)}`);
  expect(timersOf(ref)).toEqual([]);
});

test("two firings of one timer on one node: the second waits for the first, and is gone", async () => {
  const { ref, timer } = await withTimer();
  const answers = await Promise.all([fire(node, ref, timer), fire(node, ref, timer)]);
  expect(answers.map(({ duplicate }) => duplicate)).toEqual([false, true]);
  expect(await typesOf(ref)).toEqual(["set", "rang"]);
});

test("two nodes fire one timer: one commit wins, the other finds it gone", async () => {
  for (const does of [undefined, "nothing", "again"] as const) {
    const { ref, timer } = await withTimer(does === undefined ? {} : { does });
    await other.get(ref);
    const answers = await Promise.all([fire(node, ref, timer), fire(other, ref, timer)]);
    expect(answers.map(({ duplicate }) => duplicate).toSorted()).toEqual([false, true]);
    expect(await typesOf(ref)).toEqual(does === "nothing" ? ["set"] : ["set", "rang"]);
    expect(timersOf(ref).length).toBe(does === "again" ? 1 : 0);
  }
});

test("its message is sent while a new schedule of the name is in flight: the old firing is gone", async () => {
  const { ref, timer } = await withTimer({ tag: "old" });
  node.store.hold();
  const set = node.send(ref, { type: "set", name: "a", after: 70, ring: { tag: "new" } });
  await node.store.untilHeld();
  const fired = fire(node, ref, timer);
  await turns();
  expect(rings).toEqual([]);
  node.store.release();
  await set;
  expect(await fired).toMatchObject({ duplicate: true });
  expect(await typesOf(ref)).toEqual(["set", "set"]);
  await fire(node, ref, timerOf(ref));
  expect(await typesOf(ref)).toEqual(["set", "set", "rang"]);
});

test("the schedule in flight is lost: the firing stands, and is handled", async () => {
  const { ref, timer } = await withTimer();
  node.store.hold();
  node.store.answerNext({ kind: "unavailable", reason: "Redis is gone" });
  const set = node.send(ref, { type: "cancel", name: "a" });
  await node.store.untilHeld();
  const fired = fire(node, ref, timer);
  await turns();
  node.store.release();
  expect(await failureOf(set)).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(await fired).toMatchObject({ duplicate: false });
  expect(await typesOf(ref)).toEqual(["set", "rang"]);
});

test("a batch holds firings and sends; one of them that is gone leaves the others handled", async () => {
  const ref = alarm.ref(newId());
  for (const name of ["a", "b", "c"]) await node.send(ref, { type: "set", name, after: 50 });
  const [a, b] = [timerOf(ref, "a"), timerOf(ref, "b")];
  node.store.asked.length = 0;
  node.store.hold();
  const first = node.send(ref, { type: "set", name: "x", after: 50 });
  await node.store.untilHeld();
  const [own, theirs] = [fire(node, ref, a), fire(node, ref, b)];
  const sent = node.send(ref, { type: "set", name: "y", after: 50 });
  log.timers.remove(keyOf(ref), "b"); // as another node's commit would, of which this one knows nothing
  node.store.release();
  expect(await Promise.all([own, theirs])).toMatchObject([{ duplicate: false }, { duplicate: true }]);
  expect(await sent).toMatchObject({ version: 6 });
  await first;
  expect(node.store.asked.map(({ result }) => result?.kind)).toEqual(["committed", "gone", "committed"]);
  expect(await typesOf(ref)).toEqual(["set", "set", "set", "set", "rang", "set"]);
  expect(timersOf(ref).map(({ name }) => name)).toEqual(["c", "x", "y"]);
});

test("another node's cancel came first: the firing is gone, whatever this node remembers", async () => {
  const { ref, timer } = await withTimer();
  await other.send(ref, { type: "cancel", name: "a" });
  expect(await fire(node, ref, timer)).toMatchObject({ duplicate: true });
  expect(await typesOf(ref)).toEqual(["set", "cancelled"]);
});

test("another commit came first: the firing is handled again, and checked again", async () => {
  const { ref, timer } = await withTimer();
  await other.send(ref, { type: "set", name: "b", after: 50 });
  expect(await fire(node, ref, timer)).toMatchObject({ duplicate: false, version: 3 });
  expect(node.store.asked.map(({ result }) => result?.kind)).toEqual(["conflict", "committed"]);
  expect(rings.length).toBe(2);
  expect(await typesOf(ref)).toEqual(["set", "set", "rang"]);
});

test("the answer of the commit was lost: what is fired again is gone, with records and without", async () => {
  for (const does of [undefined, "nothing", "reject"] as const) {
    const { ref, timer } = await withTimer(does === undefined ? {} : { does });
    node.store.loseNextReply();
    expect(await failureOf(fire(node, ref, timer))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await fire(node, ref, timer)).toMatchObject({ duplicate: true });
    expect(await typesOf(ref)).toEqual(does === undefined ? ["set", "rang"] : ["set"]);
    expect(timersOf(ref)).toEqual([]);
  }
});

test("the commit lands late, after the timer was fired again: the log has one of them", async () => {
  const { ref, timer } = await withTimer();
  node.store.delayNext();
  expect(await failureOf(fire(node, ref, timer))).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(await fire(node, ref, timer)).toMatchObject({ duplicate: false });
  expect(await node.store.landLate()).toMatchObject([{ kind: "gone" }]);
  expect(await typesOf(ref)).toEqual(["set", "rang"]);
});

test("a handler that fails leaves the timer as it was, and the others of its batch are handled", async () => {
  const { ref, timer } = await withTimer({ does: "throw" });
  const [fired, sent] = [fire(node, ref, timer), node.send(ref, { type: "set", name: "b", after: 50 })];
  expect(await failureOf(fired)).toMatchObject({ code: "HANDLER_FAILED" });
  await sent;
  expect(timersOf(ref)).toMatchObject([timer, { name: "b" }]);
});

test("a rejected firing consumes the timer; of an `every` the next tick is due", async () => {
  const once = await withTimer({ does: "reject" });
  expect(await failureOf(fire(node, once.ref, once.timer))).toMatchObject({ code: "REJECTED" });
  expect(timersOf(once.ref)).toEqual([]);
  const { ref, timer } = await withTimer({ does: "reject" }, { every: 100 });
  expect(await failureOf(fire(node, ref, timer, 4))).toMatchObject({ code: "REJECTED" });
  expect(timersOf(ref)).toEqual([{ ...timer, dueAt: timer.dueAt + 500 }]);
});

test("one decision may set a name twice, and cancel what it set: the last word counts", async () => {
  const { ref, timer } = await withTimer();
  await Promise.all([
    node.send(ref, { type: "set", name: "a", after: 10 }),
    node.send(ref, { type: "set", name: "b", after: 10 }),
    node.send(ref, { type: "set", name: "a", after: 20 }),
    node.send(ref, { type: "cancel", name: "b" }),
  ]);
  expect(node.store.asked).toHaveLength(1);
  expect(timersOf(ref)).toMatchObject([{ name: "a", dueAt: log.now() + 20 }]);
  expect(timerOf(ref).generation).not.toBe(timer.generation);
});

test("attempts at a firing from another node look for nothing and leave no receipts: the timer is the receipt", async () => {
  const { ref, timer } = await withTimer();
  const firing = firingOf(timer);
  const sealed = { ...node.seal(ref, JSON.parse(timer.message)), messageId: "fired", firing };
  expect((await node.attempt(sealed, 2)).answer).toMatchObject({ duplicate: false });
  expect((await other.attempt(sealed, 1)).answer).toMatchObject({ duplicate: true });
  expect((await other.attempt(sealed, 3)).answer).toMatchObject({ duplicate: true });
  for (const { commit } of [...node.store.asked, ...other.store.asked]) expect(commit.receipts).toEqual([]);
  expect(node.store.finds + other.store.finds).toBe(0);
  expect(await typesOf(ref)).toEqual(["set", "rang"]);
});

test("a destroyed entity's firing comes to nothing", async () => {
  const { ref, timer } = await withTimer();
  const { promise, ...sender } = Promise.withResolvers<unknown>();
  node.engine.destroy(ref, undefined, sender, (answer) => answer);
  const fired = fire(node, ref, timer);
  await promise;
  expect(["DESTROYED", undefined]).toContain((await failureOf(fired))?.code);
  expect(timersOf(ref)).toEqual([]);
  expect(await typesOf(ref)).toEqual(["$destroyed"]);
});
