// Subscriptions of one node, embedded and on Redis: what is delivered, in which order, and where they stand.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, type StartOptions } from "../../src/index.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle(message: { type: "add"; times?: number } | { type: "mark" }) {
    if (message.type === "mark") return [{ type: "marked" as const, n: 0 }];
    return Array.from({ length: message.times ?? 1 }, (_, n) => ({ type: "added" as const, n }));
  },
  update: (event: { type: "added" | "marked"; n: number }, state) => ({
    count: state.count + (event.type === "added" ? 1 : 0),
  }),
});
const note = defineEntity({
  type: "note",
  init: () => ({ text: "" }),
  handle: (message: { type: "write"; text: string }) => [{ type: "written" as const, text: message.text }],
  update: (event: { type: "written"; text: string }) => ({ text: event.text }),
});

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

let made = 0;
const started: Pachyderm[] = [];
async function start(options: StartOptions): Promise<Pachyderm> {
  const node = await Pachyderm.start({ entities: [counter, note], partitions: 4, ...options });
  started.push(node);
  return node;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

interface Seen {
  readonly id: string;
  readonly version: number;
}

/** Whether each entity's versions are these, in order, each once. */
function expectInOrder(seen: readonly Seen[], versions: ReadonlyMap<string, number>): void {
  const by = Map.groupBy(seen, ({ id }) => id);
  expect([...by.keys()].toSorted()).toEqual([...versions.keys()].toSorted());
  for (const [id, last] of versions) {
    expect(by.get(id)?.map(({ version }) => version)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
  }
}

async function fill(node: Pachyderm, entities: number, each: number): Promise<Map<string, number>> {
  const versions = new Map<string, number>();
  for (let i = 0; i < entities; i++) versions.set(newId(), 0);
  const sends = [...versions.keys()].flatMap((id) =>
    Array.from({ length: each }, async (_, i) => {
      const { version } = await node.send(counter.ref(id), { type: "add", times: 1 + (i % 3) });
      versions.set(id, Math.max(version, versions.get(id) ?? 0));
    }),
  );
  await Promise.all(sends);
  return versions;
}

describe.each([
  ["embedded", (): StartOptions => ({})],
  ["redis", (): StartOptions => ({ redis: server.url, network: `sub-${made++}` })],
])("%s", (_, options) => {
  test("past events and those to come, each entity's in order", async () => {
    const node = await start(options());
    const first = await fill(node, 20, 5);
    const seen: Seen[] = [];
    const subscription = await node.subscribe({
      name: "all",
      handle: ({ reference, version }) => void seen.push({ id: reference.id, version }),
    });
    const second = await fill(node, 20, 5);
    const all = new Map([...first, ...second]);
    await until("all are seen", () => seen.length === [...all.values()].reduce((a, b) => a + b));
    expectInOrder(seen, all);
    await until("it is caught up", async () => (await subscription.lag()).caughtUp);
    expect(await node.subscriptions()).toEqual(["all"]);
  });

  test("what a handler is given", async () => {
    const node = await start(options());
    const id = newId();
    const { cursor, version } = await node.send(note.ref(id), { type: "write", text: "a" });
    const given: unknown[] = [];
    const subscription = await node.subscribe({
      name: "one",
      entities: [note],
      handle(recorded, context) {
        given.push({
          ...recorded,
          text: recorded.event.text,
          context: { ...context, signal: null, row: null },
        });
      },
    });
    await subscription.waitFor(cursor);
    const { partition } = node.locate(id);
    const context = { subscription: "one", partition, attempt: 1, signal: null, row: null };
    expect(given).toEqual([
      {
        reference: { type: "note", id },
        version,
        event: { type: "written", text: "a" },
        text: "a",
        messageId: expect.any(String),
        at: expect.any(Number),
        cursor,
        context,
      },
    ]);
  });

  test("only wanted entities and events, and no system records", async () => {
    const node = await start(options());
    const id = newId();
    await node.send(counter.ref(id), { type: "add", times: 3 });
    await node.send(note.ref(newId()), { type: "write", text: "a" });
    await node.send(counter.ref(id), { type: "mark" });
    const destroyed = newId();
    await node.send(counter.ref(destroyed), { type: "mark" });
    await node.destroy(counter.ref(destroyed));
    const seen: unknown[] = [];
    const gone: unknown[] = [];
    node.on("subscription-truncated", (payload) => gone.push(payload));
    const subscription = await node.subscribe({
      name: "marks",
      entities: ["counter"],
      events: ["marked"],
      handle: ({ reference, version }) => void seen.push([reference.id, version]),
    });
    await until("it is caught up", async () => (await subscription.lag()).caughtUp);
    expect(seen).toEqual([[id, 4]]);
    const { partition } = node.locate(destroyed);
    expect(gone).toEqual([{ subscription: "marks", partition, entries: 0, events: 1 }]);
    const lag = await subscription.lag();
    expect(lag.partitions[partition]).toMatchObject({ removed: 1, truncated: 0 });
  });

  test("batches hold several events, never more than they may, in order", async () => {
    const node = await start(options());
    const versions = await fill(node, 10, 20);
    const batches: Seen[][] = [];
    const subscription = await node.subscribe({
      name: "batches",
      batch: 7,
      handle: (all) => void batches.push(all.map(({ reference: { id }, version }) => ({ id, version }))),
    });
    await until("it is caught up", async () => (await subscription.lag()).caughtUp);
    expectInOrder(batches.flat(), versions);
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(7);
    expect(Math.min(...batches.map((batch) => batch.length))).toBeGreaterThan(0);
  });

  test("from now on, and from another subscription's cursor", async () => {
    const node = await start(options());
    await fill(node, 5, 2);
    const now: string[] = [];
    const sub = await node.subscribe({ name: "now", from: "now", handle: (r) => now.push(r.reference.id) });
    const id = newId();
    const from = await sub.cursor();
    const { cursor } = await node.send(counter.ref(id), { type: "add" });
    await sub.waitFor(cursor);
    expect(now).toEqual([id]);
    const again: string[] = [];
    const other = await node.subscribe({ name: "as-now", from, handle: (r) => again.push(r.reference.id) });
    await other.waitFor(await sub.cursor());
    expect(again).toEqual([id]);
    await expect(node.subscribe({ name: "wrong", from: cursor, handle() {} })).rejects.toMatchObject({
      code: "INVALID_CURSOR",
    });
    await expect(other.rewind(cursor)).rejects.toMatchObject({ code: "INVALID_CURSOR" });
  });

  test("a failing handler is tried again, then parked with its error, and resumed", async () => {
    const node = await start(options());
    const id = newId();
    await node.send(counter.ref(id), { type: "add", times: 5 });
    const parked: unknown[] = [];
    node.on("subscription-parked", (payload) => parked.push(payload));
    const attempts: [number, number][] = [];
    let fails = true;
    const subscription = await node.subscribe({
      name: "fails",
      attempts: 3,
      backoffMs: 1,
      async handle({ version }, { attempt }) {
        attempts.push([version, attempt]);
        if (version === 3 && fails) throw new Error("no SMTP");
      },
    });
    await until("it is parked", () => parked.length === 1);
    expect(attempts).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [3, 2],
      [3, 3],
    ]);
    const { partition } = node.locate(id);
    expect(parked).toMatchObject([{ subscription: "fails", partition, reference: { id }, version: 3 }]);
    const lag = await subscription.lag();
    expect(lag).toMatchObject({ caughtUp: false });
    expect(lag.partitions[partition]).toMatchObject({ status: "parked", error: "no SMTP" });
    fails = false;
    attempts.length = 0;
    await subscription.resume();
    await until("it is caught up", async () => (await subscription.lag()).caughtUp);
    expect(attempts).toEqual([
      [3, 1],
      [4, 1],
      [5, 1],
    ]);
  });

  test("paused, resumed, rewound, removed", async () => {
    const node = await start(options());
    const versions = await fill(node, 5, 2);
    const seen: Seen[] = [];
    const subscription = await node.subscribe({
      name: "steered",
      handle: ({ reference: { id }, version }) => void seen.push({ id, version }),
    });
    await until("it is caught up", async () => (await subscription.lag()).caughtUp);
    await subscription.pause();
    const id = newId();
    const { cursor } = await node.send(counter.ref(id), { type: "mark" });
    await expect(subscription.waitFor(cursor, { timeoutMs: 100 })).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      message: expect.stringContaining("it is paused"),
    });
    await subscription.resume();
    await subscription.waitFor(cursor);
    versions.set(id, 1);
    expectInOrder(seen, versions);
    seen.length = 0;
    await subscription.rewind("start");
    await until("it is caught up", async () => (await subscription.lag()).caughtUp);
    expectInOrder(seen, versions);
    await subscription.remove();
    expect(await node.subscriptions()).toEqual([]);
    await expect(subscription.lag()).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    seen.length = 0;
    await node.subscribe({ name: "steered", handle: ({ version }) => void seen.push({ id, version }) });
    await until("it begins anew", () => seen.length === [...versions.values()].reduce((a, b) => a + b));
  });

  test("a projection kept by us equals a replay", async () => {
    const node = await start(options());
    const versions = await fill(node, 30, 6);
    const subscription = await node.subscribe({
      name: "counts",
      entities: [counter],
      async handle({ reference: { id }, event }, { row }) {
        const before = (await row(id)) as { count: number } | null;
        return { rows: { [id]: { count: (before?.count ?? 0) + (event.type === "added" ? 1 : 0) } } };
      },
    });
    await until("it is caught up", async () => (await subscription.lag()).caughtUp);
    const rows = new Map<string, unknown>();
    for await (const { key, row } of subscription.rows()) rows.set(key, row);
    const replay = await Promise.all(
      [...versions.keys()].map(async (id) => [id, (await node.get(counter.ref(id))).state]),
    );
    expect(rows).toEqual(new Map(replay as [string, unknown][]));
    const [some = ""] = versions.keys();
    expect(await subscription.row(some)).toEqual(rows.get(some));
    await subscription.rewind("start");
    await until("it is caught up", async () => (await subscription.lag()).caughtUp);
    expect(await subscription.row(some)).toEqual(rows.get(some));
  });

  test("progress is told, and that it has caught up", async () => {
    const node = await start({ ...options(), partitions: 1 });
    const versions = await fill(node, 50, 30);
    const total = [...versions.values()].reduce((a, b) => a + b);
    const told: { handled: number; caughtUp: boolean }[] = [];
    await node.subscribe({ name: "p", progress: (progress) => void told.push(progress), handle() {} });
    await until("it has caught up", () => told.at(-1)?.caughtUp === true);
    expect(told.length).toBeGreaterThan(1);
    expect(told.map(({ handled }) => handled)).toEqual(
      told.map(({ handled }) => handled).toSorted((a, b) => a - b),
    );
    expect(told.at(-1)).toEqual({ partition: 0, handled: total, behindMs: 0, caughtUp: true });
  });

  test("waitFor: the cursor of another network, a malformed one, one of the lost past", async () => {
    const node = await start(options());
    const { cursor } = await node.send(counter.ref(newId()), { type: "mark" });
    const subscription = await node.subscribe({ name: "w", handle() {} });
    await subscription.waitFor(cursor);
    const all = await subscription.cursor();
    const refused = async (text: string) =>
      await subscription.waitFor(text).then(
        () => "taken",
        ({ code }) => code,
      );
    expect(await refused("p1.x")).toBe("INVALID_CURSOR");
    expect(await refused("p1l.x")).toBe("INVALID_CURSOR");
    expect(await refused(all.replace(/^p1l\.[^.]+/, "p1l.another"))).toBe("INVALID_CURSOR");
    expect(await refused(`${all}.`)).toBe("INVALID_CURSOR");
    expect(await refused(cursor.slice(0, -1))).toBe("LOG_DIVERGED");
    expect(await refused(all.replace(/~[^~]+~/, "~another~"))).toBe("LOG_DIVERGED");
    await expect(
      node.get(counter.ref(newId()), undefined, undefined, { atLeast: all }),
    ).rejects.toMatchObject({
      code: "INVALID_CURSOR",
    });
  });
});

test("without the network's log subscribe, follow and waitFor are refused", async () => {
  const node = await start({ log: false });
  const id = newId();
  await expect(node.subscribe({ name: "a", handle() {} })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  expect(() => node.follow(counter.ref(id))).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
  expect(() => node.subscription("a")).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
});

test("what Redis does not answer in time is DEADLINE_EXCEEDED, as of every other read", async () => {
  const silent = await RedisServer.start();
  const node = await Pachyderm.start({
    entities: [counter],
    redis: silent.url,
    network: "silent",
    partitions: 2,
    timeoutMs: 300,
  });
  const subscription = await node.subscribe({ name: "silent", handle() {} });
  silent.freeze();
  const asked = [
    subscription.lag(),
    subscription.cursor(),
    subscription.row(newId()),
    node.subscriptions(),
    node.effects.counts(),
  ];
  const ends = await Promise.allSettled(asked);
  silent.thaw();
  await node.stop();
  await silent.stop();
  for (const end of ends)
    expect(end).toMatchObject({ status: "rejected", reason: { code: "DEADLINE_EXCEEDED", retryable: true } });
});
