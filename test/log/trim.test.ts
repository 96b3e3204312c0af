// The log is trimmed behind every subscription and a floor; who comes for what is gone is told.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, type StartOptions } from "../../src/index.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle: (_message: { type: "add" }) => [{ type: "added" as const }],
  update: (_event: { type: "added" }, { count }) => ({ count: count + 1 }),
});

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());
const started: Pachyderm[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

async function start(network: string, log?: StartOptions["log"]): Promise<Pachyderm> {
  const options = { entities: [counter], redis: server.url, network, partitions: 1 };
  const node = await Pachyderm.start(log === undefined ? options : { ...options, log });
  started.push(node);
  return node;
}

const lengthOf = (network: string) => server.ask((redis) => redis.xlen(new KeySpace(network, 1).log(0)));

async function add(node: Pachyderm, count: number): Promise<string> {
  const id = newId();
  let cursor = "";
  for (let i = 0; i < count; i++) ({ cursor } = await node.send(counter.ref(id), { type: "add" }));
  return cursor;
}

test("without keepMs nothing is trimmed", async () => {
  const node = await start("keeps");
  await add(node, 300);
  const subscription = await node.subscribe({ name: "all", handle() {} });
  await until("it is caught up", async () => (await subscription.lag()).caughtUp);
  expect(await lengthOf("keeps")).toBe(300);
});

test("old entries go, but none that a subscription has not passed", async () => {
  const node = await start("trims", { keepMs: 1 });
  let open = false;
  const seen: number[] = [];
  const told: unknown[] = [];
  node.on("subscription-truncated", (payload) => told.push(payload));
  const subscription = await node.subscribe({
    name: "all",
    handle({ version }) {
      if (version === 150 && !open) throw new Error("not yet");
      seen.push(version);
    },
    attempts: 1,
  });
  node.on("subscription-parked", () => {});
  const cursor = await add(node, 400);
  await until("what it has passed is gone", async () => (await lengthOf("trims")) < 400);
  expect(await lengthOf("trims")).toBeGreaterThanOrEqual(252);
  open = true;
  await subscription.resume();
  await subscription.waitFor(cursor);
  expect(seen).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
  expect(told).toEqual([]);
  await until("the rest is gone, too", async () => (await lengthOf("trims")) < 20);
});

test("a new subscription, and an old cursor, are told what is gone, and go on behind it", async () => {
  const node = await start("told", { keepMs: 1 });
  const first = await node.subscribe({ name: "first", handle() {} });
  await first.waitFor(await add(node, 3));
  const old = await first.cursor();
  await first.waitFor(await add(node, 300));
  await first.remove();
  await until("the log is trimmed", async () => (await lengthOf("told")) < 30);
  const told: { entries: number }[] = [];
  node.on("subscription-truncated", (payload) => told.push(payload));
  const seen: number[] = [];
  const late = await node.subscribe({ name: "late", handle: ({ version }) => void seen.push(version) });
  await until("it is caught up", async () => (await late.lag()).caughtUp);
  const [gap] = told;
  expect(gap).toMatchObject({ subscription: "late", partition: 0, events: 0 });
  expect((gap?.entries ?? 0) + seen.length).toBe(303);
  expect((await late.lag()).partitions[0]).toMatchObject({ truncated: gap?.entries, removed: 0 });
  told.length = 0;
  await late.rewind(old);
  await until("it is told again", () => told.length === 1);
  await late.waitFor(old); // long passed: what it names was there, and is trimmed
});

test("log.keepMs is checked", async () => {
  const wrong: readonly unknown[] = [{ keepMs: 0 }, { keepMs: 1.5 }, { keep: 1 }, "yes", null];
  for (const log of wrong)
    await expect(Pachyderm.start({ log: log as boolean })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
});
