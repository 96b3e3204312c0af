// Clients that are slow, or never end: they are given up, and nobody else waits for them.

import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { HttpNode, openRequest } from "../harness/http-node.ts";
import { LATE_MS } from "../harness/rounds.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";

const limits = { headersMs: 300, requestMs: 600, idleMs: 20_000, connections: 6, closeMs: 400 };
let redis: SomeRedis;
let node: HttpNode;

beforeAll(async () => {
  redis = await someRedis();
  node = await HttpNode.start(redis.url, { http: { limits } });
});
afterAll(async () => {
  await node.stop();
  await redis.stop();
});

function open(to: HttpNode = node): Socket {
  const { hostname, port } = new URL(to.door.address);
  return connect(Number(port), hostname);
}

/** All that comes until the connection ends. */
async function received(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test.each([
  ["headers", "POST /entities/box/x HTTP/1.1\r\nhost: x\r\n"],
  [
    "a body",
    "POST /entities/box/x HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
  ],
])("%s that never end are 408, and the end of the connection", async (_, text) => {
  const socket = open();
  socket.write(text);
  const answer = await received(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(answer).toContain('"code":"REQUEST_TIMEOUT"');
  expect(answer).toContain('"outcome":"not-committed"');
});

test("a body that comes byte by byte does not get more time", async () => {
  const socket = open();
  const path = `/entities/box/${newId()}`;
  const headers = "host: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n";
  socket.write(`POST ${path} HTTP/1.1\r\n${headers}`);
  const drip = setInterval(() => socket.write(" "), 50);
  socket.on("error", () => {}); // a byte may be on its way when the server closes
  try {
    expect(await received(socket)).toContain('"code":"REQUEST_TIMEOUT"');
  } finally {
    clearInterval(drip);
  }
  expect((await node.get(path)).body).toMatchObject({ version: 0 });
});

test("others are answered meanwhile", async () => {
  const slow = [open(), open(), open()];
  for (const socket of slow) socket.write("POST / HTTP/1.1\r\nhost: x\r\n");
  expect((await node.post(`/entities/box/${newId()}`, { type: "add" })).status).toBe(200);
  for (const socket of slow) expect(await received(socket)).toContain("408");
});

test("connections beyond the bound are closed as they come", async () => {
  // Longer than the twelve take to come, on a machine that is held up.
  const patient = { ...limits, headersMs: 1_500, requestMs: 1_500 };
  const other = await HttpNode.start(redis.url, { http: { limits: patient } });
  const sockets = Array.from({ length: 12 }, () => open(other));
  const ends = await Promise.all(
    sockets.map(async (socket) => {
      socket.on("error", () => {}); // a connection that is refused may be reset
      const text = await received(socket).catch(() => "");
      return text === "" ? "closed" : "408";
    }),
  );
  // Those that were let in say nothing, and so their time runs out.
  expect(ends.filter((end) => end === "closed")).toHaveLength(12 - limits.connections);
  await other.stop();
});

test("close waits for a slow client no longer than closeMs", async () => {
  const patient = { ...limits, requestMs: 20_000, headersMs: 10_000 };
  const other = await HttpNode.start(redis.url, { http: { limits: patient } });
  const { outgoing, answered } = await openRequest(other.door.address, `/entities/box/${newId()}`);
  outgoing.write("{");
  const began = performance.now();
  await other.door.close();
  const took = performance.now() - began;
  expect(took).toBeGreaterThanOrEqual(limits.closeMs - 50);
  expect(took).toBeLessThan(limits.closeMs + LATE_MS);
  await expect(answered).rejects.toThrow();
  await other.stop();
});
