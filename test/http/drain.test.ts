// The end of a door: what was taken is answered, what comes is told to go elsewhere, and then nothing is left.

import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { HttpNode, handled, openRequest, problemIn } from "../harness/http-node.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

test("draining: 503, Retry-After and the end of the connection; alive, not ready, still measured", async () => {
  const node = await HttpNode.start(server.url);
  const path = `/entities/box/${newId()}`;
  await node.post(path, { type: "add" });
  expect((await node.get("/readyz")).body).toEqual({ status: "ready" });
  node.door.drain();
  for (const answer of [
    await node.post(path, { type: "add" }),
    await node.get(path),
    await node.get(`${path}/events`),
    await node.get("/cluster"),
    await node.get("/readyz"),
  ]) {
    expect(problemIn(answer)).toBe("503 NODE_STOPPING not-committed");
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.headers.get("connection")).toBe("close");
    expect(answer.body).toMatchObject({ retryable: true });
  }
  expect((await node.get("/healthz")).status).toBe(200);
  expect((await node.get("/metrics")).status).toBe(200);
  await node.stop();
});

test("a message that was taken before is answered, after draining, stop and all", async () => {
  const node = await HttpNode.start(server.url);
  const path = `/entities/box/${newId()}`;
  await node.post(path, { type: "add" });
  server.freeze();
  const [taken, reading] = [
    await openRequest(node.door.address, path),
    await openRequest(node.door.address, path),
  ];
  taken.outgoing.end('{"type":"add","by":5,"text":"taken"}');
  await until("the message was handled, and its commit is on its way", () => handled.includes("taken"));
  reading.outgoing.write('{"type":"add",');
  node.door.drain();
  const stopped = node.pachyderm.stop();
  server.thaw();
  const { status, connection, text } = await taken.answered;
  expect({ status, connection }).toEqual({ status: 200, connection: "close" });
  expect(JSON.parse(text)).toMatchObject({ version: 2, state: { sum: 6 } });
  await stopped;
  // Of which only a part had come when the node stopped: it is told so, and was not handled.
  reading.outgoing.end('"by":7}');
  const late = await reading.answered;
  expect(late.status).toBe(503);
  expect(JSON.parse(late.text)).toMatchObject({ code: "NODE_STOPPING", outcome: "not-committed" });
  await node.door.close();
});

test("closed is closed: no connection is taken, and closing again is the same promise", async () => {
  const node = await HttpNode.start(server.url);
  expect((await node.get("/healthz")).status).toBe(200); // leaves a connection behind, kept alive
  const closing = node.door.close();
  expect(node.door.close()).toBe(closing);
  await closing;
  await expect(fetch(`${node.door.address}/healthz`)).rejects.toThrow();
  await node.pachyderm.stop();
});
