// Events as they come, over HTTP: by hand, and with the EventSource of a real browser; and the subscriptions' routes.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { EventReader } from "../harness/event-reader.ts";
import { box, HttpNode, problemIn } from "../harness/http-node.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

let redis: RedisServer;
let node: HttpNode;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());
const others: HttpNode[] = [];
afterEach(async () => {
  await Promise.all(others.splice(0).map((one) => one.stop()));
});

async function start(network = `stream-${newId().slice(-12)}`): Promise<HttpNode> {
  const started = await HttpNode.start(redis.url, { start: { network, partitions: 2 } });
  others.push(started);
  return started;
}

const add = (to: HttpNode, id: string, by: number) => to.pachyderm.send(box.ref(id), { type: "add", by });
const url = (of: HttpNode, id: string, query = "") => `${of.door.address}/entities/box/${id}/events${query}`;

test("past events, then live ones; each as `events` tells it, with its cursor as id", async () => {
  node = await start();
  const id = newId();
  for (let by = 1; by <= 3; by++) await add(node, id, by);
  const reader = await EventReader.open(url(node, id));
  expect(reader.response.status).toBe(200);
  expect(reader.response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const past = await reader.take(3);
  const { events } = await node.pachyderm.events(box.ref(id));
  expect(past).toEqual(
    events.map((recorded) => ({ id: recorded.cursor, event: "recorded", data: recorded })),
  );
  const live = reader.next();
  const { cursor } = await add(node, id, 4);
  expect(await live).toMatchObject({ id: cursor, data: { version: 4, event: { by: 4 } } });
});

test("a client that comes again with Last-Event-ID goes on behind it, at any node", async () => {
  node = await start("stream-again");
  const other = await start("stream-again");
  const id = newId();
  for (let by = 1; by <= 5; by++) await add(node, id, by);
  const first = new AbortController();
  const reader = await EventReader.open(url(node, id, "?from=2"), null, first.signal);
  const [, last] = await reader.take(2);
  expect(last?.data).toMatchObject({ version: 3 });
  first.abort();
  const again = await EventReader.open(url(other, id, "?from=2"), last?.id ?? "");
  expect((await again.take(2)).map(({ data }) => data["version"])).toEqual([4, 5]);
  await until("the first one is gone", () => node.pachyderm.gauges().followers === 0);
});

test("what cannot be followed is a problem, before a word of the stream", async () => {
  node = await start();
  const id = newId();
  const { cursor } = await add(node, id, 1);
  const ask = (path: string, last?: string) =>
    node.get(path, { accept: "text/event-stream", ...(last === undefined ? {} : { "last-event-id": last }) });
  const path = `/entities/box/${id}/events`;
  expect(problemIn(await ask(path, "nonsense"))).toBe("400 INVALID_CURSOR not-committed");
  expect(problemIn(await ask(`/entities/box/${newId()}/events`, cursor))).toBe(
    "400 INVALID_CURSOR not-committed",
  );
  expect(problemIn(await ask(path, `${cursor}x`))).toBe("409 LOG_DIVERGED not-committed");
  expect(problemIn(await ask(`${path}?limit=3`))).toBe("400 INVALID_OPTIONS not-committed");
  expect(problemIn(await ask(`${path}?from=0`))).toBe("400 INVALID_OPTIONS not-committed");
  expect(problemIn(await ask(`/entities/unheard/${id}/events`))).toBe("404 UNKNOWN_TYPE not-committed");
  expect(problemIn(await ask(`/entities/other/${id}/events`))).toBe("409 WRONG_TYPE not-committed");
  expect((await node.ask("HEAD", path, { headers: { accept: "text/event-stream" } })).status).toBe(200);
  await node.pachyderm.destroy(box.ref(id));
  expect(problemIn(await ask(path))).toBe("410 DESTROYED not-committed");
});

test("what goes wrong later is told in the stream, which ends", async () => {
  node = await start();
  const id = newId();
  await add(node, id, 1);
  const reader = await EventReader.open(url(node, id));
  await reader.take(1);
  await node.pachyderm.destroy(box.ref(id));
  expect(await reader.next()).toMatchObject({ id: null, event: "problem", data: { code: "DESTROYED" } });
  expect(await reader.next()).toBe(null);
});

test("what retention took away is told", async () => {
  node = await start("stream-cut");
  const id = newId();
  for (let by = 1; by <= 4; by++) await add(node, id, by);
  const { partition } = node.pachyderm.locate(id);
  await redis.ask(async (client) => {
    const [key = ""] = await client.keys(`*:e:${id}`);
    await client.xtrim(key, "MINID", "3-0");
  });
  expect(partition).toBeLessThan(2);
  const reader = await EventReader.open(url(node, id));
  const told = await reader.take(3);
  expect(told.map(({ event, data }) => [event, data["version"] ?? data])).toEqual([
    ["truncated", { from: 1, to: 2 }],
    ["recorded", 3],
    ["recorded", 4],
  ]);
});

test("draining ends streams, so that their clients go elsewhere", async () => {
  node = await start();
  const reader = await EventReader.open(url(node, newId()));
  const end = reader.next();
  node.door.drain();
  expect(await end).toBe(null);
});

test("subscriptions: listed, told how they stand, paused, resumed, rewound", async () => {
  node = await start();
  const id = newId();
  await add(node, id, 1);
  const seen: number[] = [];
  await node.pachyderm.subscribe({ name: "mailer", handle: ({ version }) => void seen.push(version) });
  expect((await node.get("/subscriptions")).body).toEqual({ subscriptions: ["mailer"] });
  await until(
    "it is caught up",
    async () => (await node.get("/subscriptions/mailer")).body?.["caughtUp"] === true,
  );
  const { body } = await node.get("/subscriptions/mailer");
  expect(body).toMatchObject({ name: "mailer", caughtUp: true, behindMs: 0 });
  expect(body?.["partitions"]).toHaveLength(2);
  const post = (what: string, message: unknown = {}) => node.post(`/subscriptions/mailer/${what}`, message);
  expect((await post("pause")).status).toBe(204);
  await add(node, id, 2);
  const paused = (await node.get("/subscriptions/mailer")).body?.["partitions"] as { status: string }[];
  expect(paused.map(({ status }) => status)).toEqual(["paused", "paused"]);
  expect((await post("resume")).status).toBe(204);
  await until("it goes on", () => seen.length === 2);
  expect((await post("rewind", { to: "start" })).status).toBe(204);
  await until("it goes again", () => seen.length === 4);
  expect(seen).toEqual([1, 2, 1, 2]);
  expect((await post("rewind", { to: body?.["cursor"] })).status).toBe(204);
  expect(problemIn(await post("rewind", { to: "nowhere" }))).toBe("400 INVALID_CURSOR not-committed");
  expect(problemIn(await post("rewind", {}))).toBe("400 INVALID_MESSAGE not-committed");
  expect(problemIn(await node.get("/subscriptions/unheard"))).toBe("400 INVALID_OPTIONS not-committed");
  expect((await node.ask("PUT", "/subscriptions")).status).toBe(405);
});

/** Where a Chromium is; undefined: there is none on this machine. */
function browserPath(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"];
  return folders.map((folder) => join(folder, "chromium")).find((path) => existsSync(path));
}

test("an EventSource in a real browser: past, live, and on after its connection was cut", async ({
  skip,
}) => {
  const executablePath = browserPath();
  if (executablePath === undefined)
    skip(
      "there is no chromium on this machine (on Debian: apt-get install chromium); the tests above speak by hand",
    );
  node = await start();
  const id = newId();
  for (let by = 1; by <= 3; by++) await add(node, id, by);
  const browser = await chromium.launch({ executablePath: executablePath ?? "", args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(`${node.door.address}/healthz`); // the same origin: nothing is allowed to others
    await page.evaluate(`
      window.seen = [];
      window.source = new EventSource("/entities/box/${id}/events");
      window.source.addEventListener("recorded", (event) => window.seen.push([JSON.parse(event.data).version, event.lastEventId]));
    `);
    const seen = async () => (await page.evaluate("window.seen")) as [number, string][];
    await until("it has seen the past", async () => (await seen()).length === 3);
    const { cursor } = await add(node, id, 4);
    await until("it has seen what came", async () => (await seen()).length === 4);
    expect((await seen())[3]).toEqual([4, cursor]);
    // Its connection is cut: it comes again by itself, with the id of what it saw last.
    await page.context().setOffline(true);
    node.door.drain();
    const { port } = new URL(node.door.address);
    await node.door.close();
    const late = await add(node, id, 5);
    const door = await node.openAgain(Number(port));
    await page.context().setOffline(false);
    await until("it goes on", async () => (await seen()).length === 5, 20_000);
    expect(await seen()).toEqual([1, 2, 3, 4, 5].map((version) => [version, expect.any(String)]));
    expect((await seen())[4]?.[1]).toBe(late.cursor);
    await page.evaluate("window.source.close()");
    await door.close();
  } finally {
    await browser.close();
  }
});
