// Redis loses entries of the network's log that it had acknowledged: subscriptions that had handled them, cursors that name
// them, followers that saw them and nodes that remember them say so, also after the log has grown past them again.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LogLoss, newId, Pachyderm, type SignalPayloads } from "../../src/index.ts";
import { cutFile, promoteReplica, type Stage } from "../harness/losing-redis.ts";
import { until } from "../harness/until.ts";
import { ledger } from "../programs/ledger.ts";

const NETWORK = "log-lost";
const KEPT = 5;
const LOST = 7;
const OPTIONS = { partitions: 2 };

describe.each([
  ["the end of the append-only file is lost", cutFile],
  ["a replica that lagged is promoted", promoteReplica],
])("%s", (_, open) => {
  let stage: Stage;
  let node: Pachyderm;
  let lost: LogLoss[];
  let parked: SignalPayloads["subscription-parked"][];
  beforeEach(async () => {
    stage = await open(NETWORK, OPTIONS);
    node = stage.node;
    lost = [];
    parked = [];
    node.on("log-diverged", (payload) => {
      if (payload.partition !== undefined) lost.push(payload);
    });
    node.on("subscription-parked", (payload) => void parked.push(payload));
  });
  afterEach(() => stage.stop());

  let ops = 0;
  async function add(id: string, count: number, by: Pachyderm = node): Promise<string> {
    let cursor = "";
    for (let i = 0; i < count; i++) {
      const answer = await by.send(ledger.ref(id), { type: "add", op: `op ${ops++}` }, { answer: "none" });
      ({ cursor } = answer);
    }
    return cursor;
  }
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => "no error",
      ({ code }: { code: string }) => code,
    );

  test("a subscription that waits at the end of the log parks, and goes on when it is resumed", async () => {
    const id = newId();
    const seen: number[] = [];
    const subscription = await node.subscribe({
      name: "s",
      handle: ({ version }) => void seen.push(version),
    });
    await subscription.waitFor(await add(id, KEPT));
    await stage.remember();
    await subscription.waitFor(await add(id, LOST));
    await stage.lose();
    await until("it is parked", () => parked.length > 0);
    const { partition } = node.locate(id);
    expect(parked).toMatchObject([
      { subscription: "s", partition, reference: null, error: { code: "LOG_DIVERGED" } },
    ]);
    expect(lost).toContainEqual({ partition, entry: expect.stringMatching(/^\d+-\d+$/), subscription: "s" });
    const lag = await subscription.lag();
    expect(lag.partitions[partition]).toMatchObject({
      status: "parked",
      error: expect.stringMatching(/^LOG_DIVERGED/),
    });
    expect(seen).toEqual(Array.from({ length: KEPT + LOST }, (_, i) => i + 1));
    // What it has seen besides the log is its handler's affair; from here on it is on what Redis holds.
    seen.length = 0;
    const cursor = await add(id, 2);
    await subscription.resume();
    await subscription.waitFor(cursor);
    expect(seen.at(-1)).toBe(KEPT + 2);
  });

  test("one that is in the middle of an event when the log grows past it again parks too", async () => {
    const id = newId();
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const subscription = await node.subscribe({
      name: "slow",
      async handle({ version }) {
        if (version !== KEPT + LOST) return;
        reached.resolve();
        await gate.promise;
      },
    });
    await subscription.waitFor(await add(id, KEPT));
    await stage.remember();
    await add(id, LOST);
    await reached.promise; // else it would have seen nothing of what is lost, and rightly go on
    await stage.lose();
    await add(id, LOST + 3);
    gate.resolve();
    await until("it is parked", () => parked.length > 0);
    expect(parked).toMatchObject([{ subscription: "slow", error: { code: "LOG_DIVERGED" } }]);
  });

  test("cursors of the lost part are LOG_DIVERGED, also after the log has grown past them", async () => {
    const id = newId();
    const subscription = await node.subscribe({ name: "c", handle() {} });
    const kept = await add(id, KEPT);
    await subscription.waitFor(kept);
    await stage.remember();
    const gone = await add(id, LOST);
    await subscription.waitFor(gone);
    const all = await subscription.cursor();
    const live = node.follow(ledger.ref(id), { from: gone });
    await live.open();
    const next = codeOf(live.next());
    await stage.lose();
    expect(await codeOf(subscription.waitFor(gone))).toBe("LOG_DIVERGED");
    expect(await codeOf(subscription.waitFor(all))).toBe("LOG_DIVERGED");
    await add(id, LOST + 3);
    expect(await next).toBe("LOG_DIVERGED");
    expect(await codeOf(subscription.waitFor(gone))).toBe("LOG_DIVERGED");
    expect(await codeOf(subscription.waitFor(all))).toBe("LOG_DIVERGED");
    expect(await codeOf(subscription.rewind(all))).toBe("LOG_DIVERGED");
    expect(await codeOf(node.subscribe({ name: "new", from: all, handle() {} }))).toBe("LOG_DIVERGED");
    expect(await codeOf(node.follow(ledger.ref(id), { from: gone }).next())).toBe("LOG_DIVERGED");
    const kinds = ledger.ref(id);
    expect(await codeOf(node.get(kinds, undefined, undefined, { atLeast: gone }))).toBe("LOG_DIVERGED");
    await subscription.resume();
    await subscription.waitFor(kept);
  });

  test("a node that only wrote remembers what is lost, of entities too that nobody has in memory", async () => {
    const other = await Pachyderm.start({
      entities: [ledger],
      redis: stage.url,
      network: NETWORK,
      ...OPTIONS,
    });
    const told: unknown[] = [];
    other.on("log-diverged", (payload) => told.push(payload)); // before it is lost: it may be told at once
    try {
      const id = newId();
      await add(id, KEPT, other);
      await stage.remember();
      await add(id, LOST, other);
      await stage.lose();
      const { partition } = node.locate(id);
      await until("it is told", () => told.length > 0);
      expect(told).toEqual([{ partition, entry: expect.stringMatching(/^\d+-\d+$/), subscription: null }]);
    } finally {
      await other.stop();
    }
  });
});

test("a restart that loses nothing is not told", async () => {
  const stage = await cutFile("log-kept", OPTIONS);
  try {
    const told: unknown[] = [];
    stage.node.on("log-diverged", (payload) => told.push(payload));
    const subscription = await stage.node.subscribe({ name: "s", handle() {} });
    const id = newId();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20; i++)
        await stage.node.send(ledger.ref(id), { type: "add", op: `${round} ${i}` });
      await stage.server.restart();
    }
    const { cursor } = await stage.node.send(ledger.ref(id), { type: "add", op: "last" });
    await subscription.waitFor(cursor);
    expect(told).toEqual([]);
  } finally {
    await stage.stop();
  }
});
