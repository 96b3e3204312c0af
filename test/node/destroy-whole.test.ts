// destroy under load, of an entity that has everything: effects, tells, timers, keys, subscribers and followers.

import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  defineEffect,
  defineEntity,
  newId,
  Pachyderm,
  type PachydermError,
  schedule,
  tell,
} from "../../src/index.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

/** Versions whose effect ran. */
const ran: number[] = [];
const gate = Promise.withResolvers<void>();
const slow = defineEffect({
  name: "slow",
  durable: { attempts: 5, backoffMs: 10 },
  async dispatch(_: null, _config, { version }) {
    await gate.promise; // still pending when the entity goes
    ran.push(version);
  },
});
const fired: string[] = [];
const other = newId();
const counter = defineEntity({
  type: "counter",
  snapshot: { every: 20 },
  init: () => ({ count: 0 }),
  handle(message: { readonly type: "add" | "ring" | "hear" }) {
    if (message.type === "ring") fired.push("rang");
    if (message.type !== "add") return [{ type: "added" as const }];
    const timer = schedule({ name: "ring", after: "1h", message: { type: "ring" } });
    const soon = schedule({ name: "soon", after: 400, message: { type: "ring" } });
    return {
      events: [{ type: "added" as const }],
      effects: [slow(null), timer, soon, tell({ type: "counter", id: other }, { type: "hear" })],
    };
  },
  update: (_: { readonly type: "added" }, { count }) => ({ count: count + 1 }),
});

let server: RedisServer;
let client: Redis;
let nodes: readonly [Pachyderm, Pachyderm];
beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis(server.url);
  const options = {
    entities: [counter],
    effects: [slow],
    redis: server.url,
    network: "whole",
    partitions: 4,
  };
  nodes = [await Pachyderm.start(options), await Pachyderm.start(options)];
});
afterAll(async () => {
  gate.resolve();
  client.disconnect();
  await Promise.all(nodes.map((node) => node.stop()));
  await server.stop();
});

test("nothing is left but the end; effects and tells still run, timers do not, and whoever looks on sees it", {
  timeout: 60_000,
}, async () => {
  const [here, there] = nodes;
  const id = newId();
  const ref = counter.ref(id);
  const seen: string[] = [];
  await here.subscribe({
    name: "onlookers",
    handle: ({ reference, version }) => void (reference.id === id && seen.push(`event ${version}`)),
    destroyed: ({ reference, version }) => void (reference.id === id && seen.push(`end ${version}`)),
  });
  const followed = (async () => {
    const versions: number[] = [];
    try {
      for await (const { version } of there.follow(ref, { from: 1 })) versions.push(version);
      return { versions, end: "none" };
    } catch (thrown) {
      return { versions, end: (thrown as PachydermError).code };
    }
  })();
  await here.send(ref, { type: "add" });
  const sends = Array.from({ length: 120 }, (_, i) =>
    (i % 2 === 0 ? here : there).send(ref, { type: "add" }, { idempotencyKey: `k${i}` }),
  );
  const destroyed = here.destroy(ref);
  const results = await Promise.allSettled(sends);
  const { version } = await destroyed;
  for (const one of results) {
    if (one.status === "fulfilled") expect(one.value.version).toBeLessThan(version);
    else expect(one.reason).toMatchObject({ code: "DESTROYED", outcome: "not-committed" });
  }
  expect((await here.timers(ref)).length).toBe(0);
  const handled = version - 1;
  gate.resolve();
  await until("each effect of it has run", () => new Set(ran).size === handled);
  await until(
    "each tell of it was handled",
    async () => {
      return (await here.get(counter.ref(other))).state.count === handled;
    },
    30_000,
  );
  await until("the subscriber has seen the end", () => seen.includes(`end ${version}`), 30_000);
  expect(seen.at(-1)).toBe(`end ${version}`);
  expect(await followed).toMatchObject({ end: "DESTROYED" });
  // Well past when the short timer was due, as Redis sees it: a timer of the other entity, set later, has fired by then.
  const later = counter.ref(newId());
  await here.send(later, { type: "add" });
  await until("a later timer has fired", async () => (await here.get(later)).state.count >= 2, 10_000);
  expect(fired).toHaveLength(1);
  const left = (await client.keys(`*${id}*`)).filter((key) => !key.includes(":r:")); // tells' receipts live out their time
  expect(left.filter((key) => !key.includes("effects:"))).toEqual([expect.stringMatching(/:e:[0-9a-f-]+$/)]);
  const due = (
    await Promise.all((await client.keys("*:t")).map((key) => client.zrange(key, "0", "-1")))
  ).flat();
  expect(due.filter((member) => member.startsWith(id))).toEqual([]);
});
