// What a user may give as `redis`: each form reaches the same entity, and the user's own client stays theirs.

import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, type RedisInput } from "../../src/index.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { RedisServer } from "../harness/redis-server.ts";

const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle: (_message: { type: "increment" }) => [{ type: "increased" as const }],
  update: (_event: { type: "increased" }, state) => ({ count: state.count + 1 }),
});

let server: RedisServer;
let cluster: RedisCluster;

beforeAll(async () => {
  [server, cluster] = await Promise.all([RedisServer.start(), RedisCluster.start()]);
});

afterAll(async () => {
  await Promise.all([server.stop(), cluster.stop()]);
});

async function increment(redis: RedisInput, id: string): Promise<number> {
  const pachyderm = await Pachyderm.start({ entities: [counter], redis, network: "forms" });
  try {
    const { state } = await pachyderm.send(counter.ref(id), { type: "increment" });
    return state.count;
  } finally {
    await pachyderm.stop();
  }
}

test("a URL, options and a client of one server reach the same entity; the client is not closed", async () => {
  const id = newId();
  expect(await increment(server.url, id)).toBe(1);
  expect(await increment({ host: "127.0.0.1", port: server.port }, id)).toBe(2);
  const client = new Redis(server.url);
  expect(await increment(client, id)).toBe(3);
  expect(await client.ping()).toBe("PONG");
  client.disconnect();
});

test("addresses and a client of a Redis Cluster reach the same entity; the client is not closed", async () => {
  const id = newId();
  expect(await increment(cluster.url, id)).toBe(1);
  const client = new Cluster(cluster.url.split(","));
  expect(await increment(client, id)).toBe(2);
  expect(await client.ping()).toBe("PONG");
  client.disconnect();
});

test("a database that cannot be selected is refused, and database 0 is not taken for it", async () => {
  await server.ask((client) => client.flushall());
  const size = () => server.ask((client) => client.dbsize());
  for (const redis of [`${server.url}/99`, { host: "127.0.0.1", port: server.port, db: 99 }]) {
    await expect(Pachyderm.start({ redis })).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
      message: expect.stringContaining("database 99"),
    });
  }
  expect(await size()).toBe(0);
  expect(await increment(`${server.url}/3`, newId())).toBe(1);
  expect(await size()).toBe(0);
});

test("a database of a Redis Cluster, which has one alone, is refused", async () => {
  const urls = cluster.url.split(",");
  for (const database of ["/3", "?db=3"]) {
    const redis = urls.map((url, i) => (i === 1 ? `${url}${database}` : url)).join(",");
    await expect(Pachyderm.start({ redis })).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
      message: expect.stringContaining("database 0 alone"),
    });
  }
  expect(await increment(urls.map((url) => `${url}/0`).join(","), newId())).toBe(1);
});

test("a keyPrefix would break the hash tags, and is refused; so is what is none of these forms", async () => {
  const client = new Redis(server.url, { keyPrefix: "mine:", lazyConnect: true });
  for (const redis of [{ keyPrefix: "mine:" }, client, "127.0.0.1:6379", "http://127.0.0.1", ""]) {
    await expect(Pachyderm.start({ redis })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  }
  client.disconnect();
});
