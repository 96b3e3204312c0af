// Effects at most once: after the commit, bounded, and never the sender's concern.

import { beforeEach, expect, test } from "vitest";
import { type Decision, defineEffect, defineEntity, newId } from "../../src/index.ts";
import { EngineNode, failureOf, turns } from "../harness/engine-node.ts";

interface Run {
  readonly payload: unknown;
  readonly config: unknown;
  readonly context: { effectId: string; attempt: number; version: number; signal: AbortSignal };
  finish(): void;
}

const runs: Run[] = [];
/** What dispatch does: waits to be finished, unless the payload says otherwise. */
const work = defineEffect({
  name: "work",
  dispatch(payload: unknown, config: unknown, context) {
    const { promise, resolve } = Promise.withResolvers<void>();
    runs.push({ payload, config, context, finish: resolve });
    if (payload === "throw") throw new Error("broke at once");
    if (payload === "throw nothing") throw Object.create(null);
    if (payload === "reject") return Promise.reject(new Error("broke later"));
    return payload === "wait" ? promise : undefined;
  },
});

type Message = { type: "work"; payloads: unknown[]; events?: number };

const worker = defineEntity({
  type: "worker",
  init: () => ({ n: 0 }),
  handle: ({ payloads, events = 0 }: Message): Decision<{ type: "worked" }> => ({
    events: Array.from({ length: events }, () => ({ type: "worked" as const })),
    effects: payloads.map((payload) => work(payload)),
  }),
  update: (_event: { type: "worked" }, { n }) => ({ n: n + 1 }),
});

beforeEach(() => {
  runs.length = 0;
});

function open(settings = {}) {
  const node = new EngineNode({ entities: [worker], effects: [work], config: "the node's", ...settings });
  const failed: { effect: string; effectId: string; version: number; error: unknown }[] = [];
  node.signals.on("effect-failed", (payload) => failed.push(payload));
  return { node, failed, ref: worker.ref(newId()) };
}

const working = (...payloads: unknown[]) => ({ type: "work", payloads });

test("dispatch gets the payload, the config of the send, and what it must know", async () => {
  const { node, ref } = open();
  const { version } = await node.send(ref, { ...working("a", "b"), events: 2 }, { config: { smtp: "x" } });
  await node.send(ref, working("c"));
  const commits = node.store.asked.map(({ commit }) => commit.commitId);
  expect(runs.map(({ payload, config }) => [payload, config])).toEqual([
    ["a", { smtp: "x" }],
    ["b", { smtp: "x" }],
    ["c", "the node's"],
  ]);
  expect(runs.map(({ context }) => context)).toMatchObject([
    { effectId: `${commits[0]}-0`, attempt: 1, reference: ref, version },
    { effectId: `${commits[0]}-1`, attempt: 1, reference: ref, version },
    { effectId: `${commits[1]}-0`, attempt: 1, reference: ref, version: 3 },
  ]);
});

test("the effects of a batch have ids of their own, and the config of their own sender", async () => {
  const { node, ref } = open();
  await Promise.all([1, 2, 3].map((n) => node.send(ref, working(n, n), { config: n })));
  expect(node.store.asked).toHaveLength(1);
  expect(new Set(runs.map(({ context }) => context.effectId)).size).toBe(6);
  expect(runs.map(({ payload, config, context }) => [payload, config, context.version])).toEqual([
    [1, 1, 1],
    [1, 1, 1],
    [2, 2, 2],
    [2, 2, 2],
    [3, 3, 3],
    [3, 3, 3],
  ]);
});

test("effects without events take a version, which update never sees", async () => {
  const { node, ref } = open();
  expect(await node.send(ref, working("a"))).toMatchObject({
    version: 1,
    handledVersion: 1,
    value: { n: 0 },
  });
  expect(await node.send(ref, { ...working(), events: 1 })).toMatchObject({ version: 2, value: { n: 1 } });
  expect((await node.records(ref)).map(({ event }) => event)).toEqual([
    '{"type":"$effects"}',
    '{"type":"worked"}',
  ]);
  const cold = new EngineNode({ entities: [worker], effects: [work], log: node.log, clock: node.clock });
  expect(await cold.get(ref)).toMatchObject({ version: 2, value: { n: 1 } });
});

test.each(["throw", "reject", "throw nothing"])(
  "an effect that fails (%s) is a signal, not the sender's error, and the others are dispatched",
  async (payload) => {
    const { node, failed, ref } = open({ effectConcurrency: 1 });
    expect(await node.send(ref, working(payload, "after"))).toMatchObject({ version: 1 });
    await turns();
    expect(failed).toMatchObject([{ effect: "work", reference: ref, version: 1 }]);
    expect(runs.map((run) => run.payload)).toEqual([payload, "after"]);
  },
);

test("a failure that nobody listens to is a warning, whatever was thrown", async () => {
  const node = new EngineNode({ entities: [worker], effects: [work], effectConcurrency: 1 });
  const warnings: string[] = [];
  const heard = (warning: Error) => warnings.push(warning.message);
  process.on("warning", heard);
  try {
    await node.send(worker.ref(newId()), working("throw nothing", "throw", "after"));
    await turns();
  } finally {
    process.off("warning", heard);
  }
  expect(runs).toHaveLength(3);
  expect(warnings).toHaveLength(2);
});

test("so many run at once, the others wait", async () => {
  const { node, ref } = open({ effectConcurrency: 2 });
  await node.send(ref, working("wait", "wait", "wait", "wait"));
  expect(runs).toHaveLength(2);
  runs[0]?.finish();
  await turns();
  expect(runs).toHaveLength(3);
  for (const run of runs) run.finish();
  await turns();
  expect(runs).toHaveLength(4);
});

test("one more than may wait is given up with a signal; who can run at once does not wait", async () => {
  const { node, failed, ref } = open({ effectConcurrency: 2, effectsWaiting: 1 });
  await node.send(ref, working("wait", "wait", "wait", "wait"));
  expect(runs).toHaveLength(2);
  expect(failed).toHaveLength(1);
  for (const run of runs) run.finish();
  await turns();
  expect(runs).toHaveLength(3);
});

test("stop waits for effects, and aborts and gives up what is not done in time", async () => {
  const { node, failed, ref } = open({ effectConcurrency: 1 });
  await node.send(ref, working("wait", "never"));
  await node.engine.stop(20);
  expect(runs).toHaveLength(1);
  expect(runs[0]?.context.signal.aborted).toBe(true);
  expect(failed).toMatchObject([{ error: { code: "NODE_STOPPING" } }]);
});

test("stop ends as soon as the effects are done", async () => {
  const { node, ref } = open();
  await node.send(ref, working("wait"));
  const stopped = node.engine.stop(60_000);
  await turns();
  runs[0]?.finish();
  await stopped;
  expect(runs[0]?.context.signal.aborted).toBe(true);
});

test("a commit that lands after the node's end dispatches nothing more, and says so", async () => {
  const { node, failed, ref } = open();
  node.store.hold();
  const sent = node.send(ref, working("late"));
  await node.store.untilHeld();
  await node.engine.stop(10);
  expect(await failureOf(sent)).toMatchObject({ code: "NODE_STOPPING", outcome: "unknown" });
  node.store.release();
  await turns(10);
  expect(await node.records(ref)).toHaveLength(1);
  expect(runs).toEqual([]);
  expect(failed).toMatchObject([{ effect: "work", error: { code: "NODE_STOPPING" } }]);
});

test("a listener that throws hurts neither the commit nor the other listeners", async () => {
  const { node, failed, ref } = open();
  const warnings: unknown[] = [];
  const heard = (warning: unknown) => warnings.push(warning);
  process.on("warning", heard);
  const broken = [new Error("the listener broke"), Object.create(null)];
  for (const thrown of broken) {
    node.signals.on("effect-failed", () => {
      throw thrown;
    });
  }
  const after: unknown[] = [];
  const off = node.signals.on("effect-failed", (payload) => after.push(payload));
  try {
    await node.send(ref, working("throw"));
    await turns();
    off();
    await node.send(ref, working("throw"));
    await turns();
  } finally {
    process.off("warning", heard);
  }
  expect(failed).toHaveLength(2);
  expect(after).toHaveLength(1);
  expect(warnings).toHaveLength(4);
});
