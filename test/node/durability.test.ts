// How safely a send is to be kept, as a program asks for it: with a replica that freezes, on Redis 7.0 and on Valkey.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, type PachydermError } from "../../src/index.ts";
import { replicaOf } from "../harness/durability-backends.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { findValkey } from "../harness/valkey.ts";

const counter = defineEntity({
  type: "counter",
  init: () => 0,
  handle: (_: { type: "add" }) => [{ type: "added" as const }],
  update: (_: { type: "added" }, count) => count + 1,
});
const add = { type: "add" } as const;

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "no failure",
    ({ code, outcome }: PachydermError) => `${code} ${outcome}`,
  );
}

describe("a Redis with a replica", () => {
  let master: RedisServer;
  let replica: RedisServer;
  let node: Pachyderm;
  beforeAll(async () => {
    master = await RedisServer.start();
    replica = await replicaOf(master);
    node = await Pachyderm.start({ entities: [counter], redis: master.url, network: "durability" });
  });
  afterAll(async () => {
    await node.stop();
    await Promise.all([replica.stop(), master.stop()]);
  });

  test("the answer says that the replica has it; without the wish it says nothing", async () => {
    const sent = await node.send(counter.ref(newId()), add, { durability: { replicas: 1 } });
    expect(sent).toMatchObject({ state: 1, durable: { local: 0, replicas: 1, reached: true } });
    expect(await node.send(counter.ref(newId()), add)).not.toHaveProperty("durable");
    expect(await node.send(counter.ref(newId()), add, { durability: "memory" })).not.toHaveProperty(
      "durable",
    );
  });

  test("a frozen replica: told in time, for a duplicate too, and nobody else waits", async () => {
    const missed: unknown[] = [];
    const off = node.on("durability-missed", (payload) => missed.push(payload));
    const ref = counter.ref(newId());
    const durability = { replicas: 1, timeoutMs: 1_500 };
    replica.freeze();
    try {
      const began = performance.now();
      const wishing = Promise.all(
        Array.from({ length: 20 }, (_, i) => node.send(ref, add, { durability, idempotencyKey: `k${i}` })),
      );
      let waited = 0;
      wishing.then(() => {
        waited = performance.now() - began;
      });
      await Promise.all(Array.from({ length: 100 }, () => node.send(counter.ref(newId()), add)));
      expect(waited, "plain sends wait for nobody").toBe(0);
      for (const { durable } of await wishing) expect(durable).toMatchObject({ replicas: 0, reached: false });
      expect(performance.now() - began).toBeGreaterThanOrEqual(1_490);
      const again = await node.send(ref, add, { durability, idempotencyKey: "k0" });
      expect(again).toMatchObject({ duplicate: true, durable: { reached: false } });
      expect(missed).toHaveLength(21);
      expect(missed[0]).toMatchObject({ reference: { type: "counter", id: ref.id }, replicas: 0 });
    } finally {
      replica.thaw();
      off();
    }
    const thawed = await node.send(ref, add, { durability: { replicas: 1 }, idempotencyKey: "k0" });
    expect(thawed).toMatchObject({ duplicate: true, durable: { replicas: 1, reached: true } });
  });

  test("fsync needs what this server has not: a clear error, and nothing is sent", async () => {
    const ref = counter.ref(newId());
    const version = (await master.info("redis_version")) ?? "";
    if (/^(7\.[2-9]|[89]\.)/.test(version)) return; // a newer Redis has it: the Valkey test below is its test
    await expect(node.send(ref, add, { durability: "fsync" })).rejects.toMatchObject({
      code: "UNSUPPORTED_REDIS",
      message: expect.stringContaining("7.2"),
    });
    expect((await node.get(ref)).version).toBe(0);
  });

  test("what is no wish is refused, and nothing is sent", async () => {
    const ref = counter.ref(newId());
    for (const durability of [
      "disk",
      { replicas: 0 },
      { replicas: 1, timeoutMs: 0 },
      { replica: 1 },
      7,
      null,
    ]) {
      const options = { durability } as object;
      expect(await failureOf(node.send(ref, add, options)), JSON.stringify(durability)).toBe(
        "INVALID_OPTIONS not-committed",
      );
    }
    expect((await node.get(ref)).version).toBe(0);
  });

  test("a send that fails has no durability", async () => {
    const wrong = node.send({ type: "nobody", id: newId() }, add, { durability: { replicas: 1 } });
    expect(await failureOf(wrong)).toBe("UNKNOWN_TYPE not-committed");
  });
});

test("embedded there is nothing to ask", async () => {
  await using node = await Pachyderm.start({ entities: [counter] });
  const sent = node.send(counter.ref(newId()), add, { durability: "fsync" });
  expect(await failureOf(sent)).toBe("UNSUPPORTED_REDIS not-committed");
});

const valkey = findValkey();
describe("a Valkey", () => {
  if (valkey === null) {
    test.skip(
      'durability "fsync": skipped, for there is no valkey-server (scripts/setup unpacks one where apt has it)',
    );
    return;
  }

  test('"fsync" is reached; with appendfsync everysec within its second, with always at once', async () => {
    const server = await RedisServer.start({ program: valkey });
    const always = await RedisServer.start({ program: valkey, config: { appendfsync: "always" } });
    try {
      for (const { url } of [server, always]) {
        await using node = await Pachyderm.start({ entities: [counter], redis: url });
        const sends = Array.from({ length: 50 }, () =>
          node.send(counter.ref(newId()), add, { durability: "fsync" }),
        );
        for (const { durable } of await Promise.all(sends))
          expect(durable).toEqual({ local: 1, replicas: 0, reached: true });
      }
    } finally {
      await Promise.all([server.stop(), always.stop()]);
    }
  });

  test('without an AOF "fsync" is refused, and says what to set', async () => {
    const server = await RedisServer.start({ program: valkey, config: { appendonly: "no" } });
    try {
      await using node = await Pachyderm.start({ entities: [counter], redis: server.url });
      await expect(node.send(counter.ref(newId()), add, { durability: "fsync" })).rejects.toMatchObject({
        code: "UNSUPPORTED_REDIS",
        message: expect.stringContaining("appendonly"),
      });
    } finally {
      await server.stop();
    }
  });
});
