// `get`, queries, `answer`, and what a stop does.

import { beforeEach, expect, test } from "vitest";
import { cursorOf, cursorPrefix } from "../../src/core/cursor.ts";
import type { Answer } from "../../src/engine/envelope.ts";
import { newId, Pachyderm, type Reference } from "../../src/index.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";
import { ledger, notify } from "../harness/ledger.ts";

const prefix = cursorPrefix("main");

let node: EngineNode;
let ref: Reference;
const add = (n: number) => ({ type: "add", n });
const at = ({ version, commitId }: Answer) => cursorOf(prefix, ref.id, version, commitId);
const anotherNode = () => new EngineNode({ entities: [ledger], log: node.log, clock: node.clock });

beforeEach(() => {
  node = new EngineNode({ entities: [ledger] });
  ref = ledger.ref(newId());
});

test("an entity without records is init() at version 0, and a get leaves none", async () => {
  expect(await node.get(ref)).toMatchObject({ version: 0, commitId: "", value: { ns: [], sum: 0 } });
  expect(await node.records(ref)).toEqual([]);
});

test("a get is compared with the log: an old memory does not answer", async () => {
  await node.send(ref, add(1));
  await anotherNode().send(ref, add(2));
  expect(await node.get(ref)).toMatchObject({ version: 2, value: { sum: 3 } });
});

test("a stale get asks nobody where the entity is in memory, and loads it where it is not", async () => {
  await node.send(ref, add(1));
  await anotherNode().send(ref, add(2));
  const commits = node.store.asked.length;
  expect(await node.get(ref, { stale: true })).toMatchObject({ version: 1, value: { sum: 1 } });
  expect(node.store.asked).toHaveLength(commits);
  const cold = anotherNode();
  expect(await cold.get(ref, { stale: true })).toMatchObject({ version: 2 });
  expect(cold.store.asked).toHaveLength(0);
});

test("a stale get sees what is committed, not what is in flight", async () => {
  await node.send(ref, add(1));
  node.store.hold();
  const flying = node.send(ref, add(2));
  await node.store.untilHeld();
  expect(await node.get(ref, { stale: true })).toMatchObject({ version: 1, value: { sum: 1 } });
  node.store.release();
  await flying;
});

test("atLeast: a memory that is older catches up first, also with stale", async () => {
  await node.send(ref, add(1));
  const later = await anotherNode().send(ref, add(2));
  expect(await node.get(ref, { atLeast: at(later), stale: true })).toMatchObject({ version: 2 });
});

test("atLeast of a place that the log does not hold is LOG_DIVERGED", async () => {
  await node.send(ref, add(1));
  await node.send(ref, add(2));
  for (const [version, commitId] of [
    [1, "another"],
    [2, "another"],
    [9, "later"],
  ] as const) {
    const atLeast = cursorOf(prefix, ref.id, version, commitId);
    expect(await failureOf(node.get(ref, { atLeast }))).toMatchObject({ code: "LOG_DIVERGED" });
  }
});

test("atLeast of what the log holds is never LOG_DIVERGED, though the memory is of a part that was lost", async () => {
  await node.send(ref, add(1));
  node.signals.on("log-diverged", () => {});
  node.log.find({ id: ref.id, partition: 0 })?.rollBack(0);
  const today = await anotherNode().send(ref, add(7));
  expect(await node.get(ref, { atLeast: at(today), stale: true })).toMatchObject({ value: { ns: [7] } });
});

test("a named query gives its result; one that throws is HANDLER_FAILED; one that is none is refused", async () => {
  await node.send(ref, { type: "add-many", ns: [1, 5, 9] });
  expect(await node.get(ref, {}, "above", { least: 4 })).toMatchObject({ version: 3, value: [5, 9] });
  expect(await failureOf(node.get(ref, {}, "broken"))).toMatchObject({ code: "HANDLER_FAILED" });
  for (const query of ["nope", "toString", "__proto__"]) {
    expect(await failureOf(node.get(ref, {}, query))).toMatchObject({ code: "INVALID_OPTIONS" });
  }
});

test("a send answers with a query's result, and fails before anything is written where the query throws", async () => {
  expect(await node.send(ref, add(3), { answer: "total" })).toMatchObject({ value: 3 });
  expect(await failureOf(node.send(ref, add(4), { answer: "broken" }))).toMatchObject({
    code: "HANDLER_FAILED",
    outcome: "not-committed",
  });
  expect(await node.records(ref)).toHaveLength(1);
});

test("a message or a get of an unknown type, and a wrong option, is refused before anything else", async () => {
  const unknown = { type: "nobody", id: newId() };
  expect(await failureOf(node.send(unknown, add(1)))).toMatchObject({ code: "UNKNOWN_TYPE" });
  expect(await failureOf(node.get(unknown))).toMatchObject({ code: "UNKNOWN_TYPE" });
  const weird = Object.create(null) as never;
  for (const options of [
    { timeoutMs: 0 },
    { timeoutMs: Number.NaN },
    { timeoutMs: 60_001 },
    { idempotencyKey: "" },
    { idempotencyKey: "x".repeat(201) },
    { idempotencyKey: "\ud800" },
    { answer: "nope" },
    { answer: weird },
  ]) {
    expect(await failureOf(node.send(ref, add(1), options))).toMatchObject({ code: "INVALID_OPTIONS" });
  }
  expect(await node.records(ref)).toEqual([]);
});

test("options whose properties throw are INVALID_OPTIONS", async () => {
  const options = {
    get timeoutMs(): number {
      throw new Error("a getter broke");
    },
  };
  expect(await failureOf(node.send(ref, add(1), options))).toMatchObject({ code: "INVALID_OPTIONS" });
  expect(await failureOf(node.get(ref, options))).toMatchObject({ code: "INVALID_OPTIONS" });
});

test("stop finishes what was taken, and takes nothing more", async () => {
  await node.send(ref, add(1));
  node.store.hold();
  const flying = node.send(ref, add(2));
  await node.store.untilHeld();
  const behind = [node.send(ref, add(3)), node.get(ref)];
  await turns();
  const stopped = node.engine.stop(5_000);
  for (const late of [node.send(ref, add(4)), node.get(ref)]) {
    expect(await failureOf(late)).toMatchObject({
      code: "NODE_STOPPING",
      outcome: "not-committed",
      retryable: true,
    });
  }
  node.store.release();
  await stopped;
  expect(await flying).toMatchObject({ version: 2 });
  expect((await Promise.all(behind)).map(({ version }) => version)).toEqual([3, 3]);
});

test("stop gives up after its time, and everybody hears what became of the message", async () => {
  await node.send(ref, add(1));
  node.store.hold();
  const flying = node.send(ref, add(2));
  await node.store.untilHeld();
  const behind = node.send(ref, add(3));
  await turns();
  await node.engine.stop(10);
  expect(await failureOf(flying)).toMatchObject({ code: "NODE_STOPPING", outcome: "unknown" });
  expect(await failureOf(behind)).toMatchObject({ code: "NODE_STOPPING", outcome: "not-committed" });
  node.store.release();
  await turns(10);
  expect(await node.records(ref)).toHaveLength(2);
});

test("the face: state, cursor, query by function and by name, none, stop twice", async () => {
  const pachyderm = await Pachyderm.start({ entities: [ledger], effects: [notify] });
  const one = ledger.ref(newId());
  const sent = await pachyderm.send(one, { type: "add", n: 4 });
  expect(sent).toEqual({
    state: { ns: [4], sum: 4 },
    version: 1,
    handledVersion: 1,
    reply: 4,
    duplicate: false,
    cursor: sent.cursor,
  });
  const bare = await pachyderm.send(one, { type: "add", n: 5 }, { answer: "none", expected: sent.cursor });
  expect(bare).not.toHaveProperty("state");
  expect(await pachyderm.send(one, { type: "sum" }, { answer: "total" })).toMatchObject({
    result: 9,
    reply: 9,
  });
  expect(await pachyderm.get(one)).toEqual({
    state: { ns: [4, 5], sum: 9 },
    version: 2,
    cursor: bare.cursor,
  });
  expect(await pachyderm.get(one, "above", { least: 4 })).toEqual({
    result: [5],
    version: 2,
    cursor: bare.cursor,
  });
  const function_ = await pachyderm.get(one, ({ sum }, times: number) => sum * times, 2);
  expect(function_).toEqual({ result: 18, version: 2, cursor: bare.cursor });
  const stopped = pachyderm.stop();
  expect(pachyderm.stop()).toBe(stopped);
  await stopped;
  expect(await failureOf(pachyderm.send(one, { type: "sum" }))).toMatchObject({ code: "NODE_STOPPING" });
});

test("the face: a function of the state that throws is HANDLER_FAILED, as a named query is", async () => {
  await using pachyderm = await Pachyderm.start({ entities: [ledger], effects: [notify] });
  const thrown = new Error("the function broke");
  const failed = pachyderm.get(ledger.ref(newId()), () => {
    throw thrown;
  });
  expect(await failureOf(failed)).toMatchObject({ code: "HANDLER_FAILED", cause: thrown });
});

test("the face: an unknown signal is refused", async () => {
  await using pachyderm = await Pachyderm.start({});
  for (const name of ["nope", "toString", ""]) {
    expect(() => pachyderm.on(name as "conflict", () => {})).toThrow(
      expect.objectContaining({ code: "INVALID_OPTIONS" }),
    );
  }
});

test("an option that there is none of, or that is of another kind, is INVALID_OPTIONS: a misspelt key would keep nothing", async () => {
  const untyped = (options: object): never => options as never;
  const sends = [{ idempotencykey: "a" }, { retry: 0 }, { stale: true }, { atLeast: "x" }];
  for (const options of sends) {
    expect(await failureOf(node.send(ref, { type: "add", n: 1 }, untyped(options)))).toMatchObject({
      code: "INVALID_OPTIONS",
      outcome: "not-committed",
    });
  }
  for (const options of [{ expected: 1 }, { stale: 1 }]) {
    expect(await failureOf(node.get(ref, untyped(options)))).toMatchObject({ code: "INVALID_OPTIONS" });
  }
});
