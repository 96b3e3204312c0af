// Durable effects as a program sees them: at least once, tried again, listed when they failed.

import { expect, test } from "vitest";
import {
  type DispatchContext,
  defineEffect,
  defineEntity,
  newId,
  type SignalPayloads,
} from "../../src/index.ts";
import { backends, DurableNodes, untilDone } from "../harness/durable-nodes.ts";
import { until } from "../harness/until.ts";

const nodes = new DurableNodes("durable");

interface Run {
  readonly payload: unknown;
  readonly config: unknown;
  readonly context: DispatchContext;
}

/** An entity that asks for `mail` with each `up`, and an effect that writes down its runs, and does as it is told. */
function world(
  act: (run: Run) => unknown = () => {},
  durable: object | undefined = { attempts: 3, backoffMs: 5 },
) {
  const runs: Run[] = [];
  const mail = defineEffect({
    name: "mail",
    ...(durable === undefined ? {} : { durable }),
    dispatch(payload: { readonly n: number }, config: unknown, context) {
      const run = { payload, config, context };
      runs.push(run);
      return act(run);
    },
  });
  const quick = defineEffect({
    name: "quick",
    dispatch: (payload: { readonly n: number }, config, context) => runs.push({ payload, config, context }),
  });
  const counter = defineEntity({
    type: "counter",
    init: () => ({ count: 0 }),
    handle(message: { type: "up"; mixed?: boolean } | { type: "effect-only" }, { count }) {
      if (message.type === "effect-only") return { effects: [mail({ n: -1 })] };
      const effects =
        message.mixed === true ? [mail({ n: 0 }), quick({ n: 1 }), mail({ n: 2 })] : [mail({ n: count })];
      return { events: [{ type: "upped" as const }], effects };
    },
    update: (_event: { type: "upped" }, { count }) => ({ count: count + 1 }),
  });
  return { runs, mail, counter, options: { entities: [counter], effects: [mail, quick] } };
}

test.each(backends)("%s: it runs, with what it must know, and is gone then", async (backend) => {
  const { runs, counter, options } = world();
  const node = await nodes.start(backend, { ...options, config: { smtp: "the node's" } });
  const reference = counter.ref(newId());
  await node.send(reference, { type: "up" });
  await node.send(reference, { type: "up" }, { config: { smtp: "the sender's" } });
  await node.send(reference, { type: "effect-only" });
  await until("all have run", () => runs.length === 3);
  await untilDone(node);
  const told = runs.map(({ payload, config, context: { attempt, version } }) => ({
    payload,
    config,
    attempt,
    version,
  }));
  expect(told.toSorted((a, b) => a.version - b.version)).toEqual([
    { payload: { n: 0 }, config: { smtp: "the node's" }, attempt: 1, version: 1 },
    { payload: { n: 1 }, config: { smtp: "the sender's" }, attempt: 1, version: 2 },
    { payload: { n: -1 }, config: { smtp: "the node's" }, attempt: 1, version: 3 },
  ]);
  expect(
    runs.every(({ context: { reference: of } }) => of.id === reference.id && of.type === "counter"),
  ).toBe(true);
  expect(new Set(runs.map(({ context }) => context.effectId)).size).toBe(3);
});

test.each(backends)(
  "%s: one that throws is tried again, then listed as failed, and succeeds after a retry",
  async (backend) => {
    let broken = true;
    const { runs, counter, options } = world(({ context: { attempt } }) => {
      if (broken) throw new Error(`no ${attempt}`);
    });
    const node = await nodes.start(backend, options);
    const failures: SignalPayloads["effect-failed"][] = [];
    node.on("effect-failed", (failure) => failures.push(failure));
    const reference = counter.ref(newId());
    await node.send(reference, { type: "up" });
    await until("it is listed as failed", async () => (await node.effects.failed()).length === 1);
    const [failed] = await node.effects.failed();
    expect(runs.map(({ context }) => context.attempt)).toEqual([1, 2, 3]);
    const id = runs[0]?.context.effectId;
    expect(failed).toEqual({
      id,
      effect: "mail",
      reference: { type: "counter", id: reference.id },
      version: 1,
      attempts: 3,
      error: "no 3",
    });
    await until("it is told", () => failures.length > 0);
    expect(failures.map(({ effect, effectId, version }) => ({ effect, effectId, version }))).toEqual([
      { effect: "mail", effectId: id, version: 1 },
    ]);
    expect(await node.effects.counts()).toMatchObject({ failed: 1, dropped: 0 });

    broken = false;
    expect(await node.effects.retry("nothing-0")).toBe(0);
    expect(await node.effects.retry(failed?.id ?? "")).toBe(1);
    await untilDone(node);
    expect(runs.length).toBe(4);
  },
);

test.each(backends)("%s: what failed can be dropped, and all of it retried", async (backend) => {
  let broken = true;
  const { runs, counter, options } = world(
    () => {
      if (broken) throw new Error("no");
    },
    { attempts: 1 },
  );
  const node = await nodes.start(backend, options);
  for (let i = 0; i < 3; i++) await node.send(counter.ref(newId()), { type: "up" });
  await until("all are listed as failed", async () => (await node.effects.counts()).failed === 3);
  expect(await node.effects.failed({ limit: 2 })).toHaveLength(2);
  const [first] = await node.effects.failed();
  expect(await node.effects.drop(first?.id ?? "")).toBe(1);
  broken = false;
  expect(await node.effects.retry("all")).toBe(2);
  await untilDone(node);
  expect(runs.length).toBe(5);
});

test.each(backends)(
  "%s: durable effects and others in one decision: each its own way, all numbered",
  async (backend) => {
    const { runs, counter, options } = world();
    const node = await nodes.start(backend, options);
    await node.send(counter.ref(newId()), { type: "up", mixed: true });
    await until("all have run", () => runs.length === 3);
    const ids = runs.map(({ payload, context }) => [
      (payload as { n: number }).n,
      context.effectId.split("-").at(-1),
    ]);
    expect(ids.toSorted()).toEqual([
      [0, "0"],
      [1, "1"],
      [2, "2"],
    ]);
  },
);

test.each(backends)('%s: durableEffects: "all" makes every effect durable', async (backend) => {
  const { runs, counter, options } = world(({ context: { attempt } }) => {
    if (attempt < 2) throw new Error("not yet");
  }, undefined);
  const node = await nodes.start(backend, { ...options, durableEffects: "all" });
  await node.send(counter.ref(newId()), { type: "up" });
  await until("it was tried again", () => runs.length === 2);
  await untilDone(node);
});

test.each(backends)(
  "%s: a config that is not plain JSON cannot go with a durable effect",
  async (backend) => {
    const { runs, counter, options } = world();
    const node = await nodes.start(backend, options);
    const sending = node.send(counter.ref(newId()), { type: "up" }, { config: { now: new Date(0) } });
    await expect(sending).rejects.toMatchObject({ code: "INVALID_OPTIONS", outcome: "not-committed" });
    expect(runs).toEqual([]);
  },
);

test.each(backends)("%s: no more of one effect at once than it says", async (backend) => {
  /** Of those that are inside. */
  const ends: (() => void)[] = [];
  const { runs, counter, options } = world(() => new Promise<void>((resolve) => ends.push(resolve)), {
    concurrency: 2,
  });
  const node = await nodes.start(backend, options);
  await Promise.all(Array.from({ length: 12 }, () => node.send(counter.ref(newId()), { type: "up" })));
  for (let begun = 2; begun <= 12; begun += 2) {
    await until("two are inside", () => ends.length === 2);
    await node.effects.counts(); // a third would have time to come
    expect(runs).toHaveLength(begun);
    for (const end of ends.splice(0)) end();
  }
  await untilDone(node);
});

test.each(backends)(
  "%s: a stop waits for what runs, and tells it to end when the time is up; it is run again then",
  async (backend) => {
    const { runs, counter, options } = world(({ context: { signal, attempt } }) => {
      if (runs.length > 1) return;
      expect(attempt).toBe(1);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error("told to stop"))),
      );
    });
    const node = await nodes.start(backend, { ...options, stopTimeoutMs: 500 });
    await node.send(counter.ref(newId()), { type: "up" });
    await until("it runs", () => runs.length === 1);
    await node.stop();
    expect(runs[0]?.context.signal.aborted).toBe(true);
    if (backend === "memory") return; // what it had is gone with it
    const next = await nodes.start(backend, options);
    await until("it is run again", () => runs.length === 2);
    expect(runs[1]?.context).toMatchObject({ attempt: 1, effectId: runs[0]?.context.effectId });
    await untilDone(next);
  },
);

test("what is wrong with a definition or a setting is told", async () => {
  const dispatch = (): void => {};
  for (const durable of [{ attempts: 0 }, { backoffMs: -1 }, { concurrency: 0 }, { retries: 1 }])
    expect(() => defineEffect({ name: "mail", durable, dispatch })).toThrow(/the effect mail: durable/);
  await expect(nodes.start("memory", { durableEffects: "some" as "all" })).rejects.toMatchObject({
    code: "INVALID_OPTIONS",
  });
});
