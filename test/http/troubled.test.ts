// What senders are told when Redis is in trouble: the status, and what became of their message.

import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { box, HttpNode, handled, problemIn } from "../harness/http-node.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

let server: RedisServer;
let node: HttpNode;

beforeAll(async () => {
  server = await RedisServer.start();
  node = await HttpNode.start(server.url, { start: { mailbox: 1, timeoutMs: 1_000 } });
});
afterAll(async () => {
  await node.stop();
  await server.stop();
});

function newBox(): string {
  return `/entities/box/${newId()}`;
}

test("a full mailbox is 429 at once, a frozen Redis 504 with an unknown outcome", async () => {
  const id = newId();
  const path = `/entities/box/${id}`;
  await node.post(path, { type: "add" });
  server.freeze();
  try {
    const waiting = node.post(path, { type: "add", text: "first" });
    await until("the first message waits", () => handled.includes("first"));
    const refused = await node.post(path, { type: "add" });
    expect(problemIn(refused)).toBe("429 MAILBOX_FULL not-committed");
    expect(problemIn(await waiting)).toBe("504 DEADLINE_EXCEEDED unknown");
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(refused.body).toMatchObject({ retryable: true });
  } finally {
    server.thaw();
  }
  await until("it answers again", async () => (await node.pachyderm.get(box.ref(id))).version > 0);
});

test("a Redis without memory is 503, and not-committed", async () => {
  const path = newBox();
  await server.ask((client) => client.config("SET", "maxmemory", "1"));
  try {
    const answer = await node.post(path, { type: "add" });
    expect(problemIn(answer)).toBe("503 STORE_UNAVAILABLE not-committed");
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.body).toMatchObject({ retryable: true });
  } finally {
    await server.ask((client) => client.config("SET", "maxmemory", "0"));
  }
  expect((await node.post(path, { type: "add" })).body).toMatchObject({ version: 1 });
});

test("a Redis that is gone: 503 or 504, for reads too; the node is alive, and goes on when it is back", async () => {
  const path = newBox();
  await node.post(path, { type: "add" });
  await server.kill();
  for (const answer of [
    await node.get(path),
    await node.get(`${path}/events`),
    await node.post(path, { type: "add" }),
  ]) {
    expect(problemIn(answer)).toMatch(/^50[34] (STORE_UNAVAILABLE|DEADLINE_EXCEEDED) /);
  }
  expect((await node.get("/healthz")).status).toBe(200);
  expect((await node.get("/readyz")).status).toBe(200);
  await server.restart();
  await until("it answers again", async () => (await node.get(path)).status === 200);
});
