// destroy, as a program uses it: under load from two nodes, and what is left of it in Redis.

import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, type PachydermError } from "../../src/index.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";

const counter = defineEntity({
  type: "counter",
  snapshot: { every: 5 },
  init: () => ({ count: 0 }),
  handle: (_: { type: "add" }) => ({ events: [{ type: "added" as const }], reply: { secret: "mine" } }),
  update: (_: { type: "added" }, { count }) => ({ count: count + 1 }),
});
const other = defineEntity({
  type: "other",
  init: () => 0,
  handle: (_: { type: "do" }) => [{ type: "done" as const }],
  update: (_: { type: "done" }, n) => n + 1,
});

let redis: SomeRedis;
let client: Redis;
let nodes: readonly Pachyderm[];
beforeAll(async () => {
  redis = await someRedis();
  client = new Redis(redis.url);
  const options = {
    entities: [counter, other],
    redis: redis.url,
    network: `d-${randomBytes(6).toString("hex")}`,
  };
  nodes = [await Pachyderm.start(options), await Pachyderm.start(options)];
});
afterAll(async () => {
  client.disconnect();
  await Promise.all(nodes.map((node) => node.stop()));
  await redis.stop();
});

async function ending(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "ok",
    ({ code, outcome }: PachydermError) => `${code} ${outcome}`,
  );
}

test("under load from two nodes: each message is handled before the end, or DESTROYED; one record is left", async () => {
  const [here, there] = nodes as [Pachyderm, Pachyderm];
  const id = newId();
  const ref = counter.ref(id);
  await here.send(ref, { type: "add" });
  const sends = Array.from({ length: 400 }, (_, i) => {
    const node = i % 2 === 0 ? here : there;
    return node.send(ref, { type: "add" }, i % 4 < 2 ? { idempotencyKey: `k${i}` } : {});
  });
  const destroyed = there.destroy(ref);
  const late = Array.from({ length: 100 }, () => here.send(ref, { type: "add" }));
  const { version, cursor } = await destroyed;
  const results = await Promise.allSettled([...sends, ...late]);
  const handled = results.flatMap((one) => (one.status === "fulfilled" ? [one.value.version] : []));
  expect(handled.every((at) => at < version)).toBe(true);
  expect(handled.length).toBe(version - 2); // the first message, and the end itself
  for (const one of results) {
    if (one.status === "rejected")
      expect(`${one.reason.code} ${one.reason.outcome}`).toBe("DESTROYED not-committed");
  }
  expect(await there.destroy(ref)).toEqual({ version, cursor });
  expect(await client.keys(`*${id}*`)).toEqual([expect.stringMatching(/e:[0-9a-f-]+$/)]);
  expect(await client.xlen(String((await client.keys(`*e:${id}`))[0]))).toBe(1);
});

test("nothing can be said to it or learnt of it any more, from any node", async () => {
  const id = newId();
  await nodes[0]?.send(counter.ref(id), { type: "add" });
  await nodes[0]?.destroy(counter.ref(id));
  for (const node of nodes) {
    expect(await ending(node.send(counter.ref(id), { type: "add" }))).toBe("DESTROYED not-committed");
    expect(await ending(node.get(counter.ref(id)))).toBe("DESTROYED not-committed");
    expect(await ending(node.events(counter.ref(id)))).toBe("DESTROYED not-committed");
    expect(await ending(node.history(counter.ref(id)))).toBe("DESTROYED not-committed");
    expect(await ending(node.preview(counter.ref(id), { type: "add" }))).toBe("DESTROYED not-committed");
    expect(await ending(node.send(other.ref(id), { type: "do" }))).toBe("WRONG_TYPE not-committed");
  }
});

test("what cannot be destroyed says why", async () => {
  const [node] = nodes as [Pachyderm];
  const id = newId();
  await node.send(other.ref(id), { type: "do" });
  expect(await ending(node.destroy(counter.ref(id)))).toBe("WRONG_TYPE not-committed");
  expect(await ending(node.destroy({ type: "nobody", id }))).toBe("UNKNOWN_TYPE not-committed");
  expect(await ending(node.destroy({ type: "other", id: "no-id" }))).toBe("INVALID_REFERENCE not-committed");
  expect(await ending(node.destroy(other.ref(id), { timeoutMs: 0 }))).toBe("INVALID_OPTIONS not-committed");
  expect((await node.get(other.ref(id))).version).toBe(1);
});
