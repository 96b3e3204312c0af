// Durable effects that failed, over HTTP and on the command line: listed, tried again, dropped.

import { afterAll, beforeAll, expect, test } from "vitest";
import { bullBoard } from "../../cluster/board.ts";
import { openHttp } from "../../src/http/index.ts";
import { defineEffect, defineEntity, newId, Pachyderm } from "../../src/index.ts";
import { errorOf, runCli } from "../harness/cli.ts";
import { problemIn } from "../harness/http-node.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

const NETWORK = "http-effects";
let broken = true;
const mail = defineEffect({
  name: "mail",
  durable: { attempts: 1 },
  dispatch() {
    if (broken) throw new Error("the mail server is away");
  },
});
const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle: (_message: { type: "up" }) => ({ events: [{ type: "upped" as const }], effects: [mail(null)] }),
  update: (_event: { type: "upped" }, { count }) => ({ count: count + 1 }),
});

let redis: RedisServer;
let node: Pachyderm;
let door: Awaited<ReturnType<typeof openHttp>>;

beforeAll(async () => {
  redis = await RedisServer.start();
  node = await Pachyderm.start({
    redis: redis.url,
    network: NETWORK,
    partitions: 4,
    entities: [counter],
    effects: [mail],
  });
  door = await openHttp(node, { port: 0 });
});
afterAll(async () => {
  await door.close();
  await node.stop();
  await redis.stop();
});

async function ask(method: string, path: string) {
  const response = await fetch(`${door.address}${path}`, { method });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}

/** So many effects that have failed; their ids. */
async function fail(count: number): Promise<readonly string[]> {
  broken = true;
  for (let i = 0; i < count; i++) await node.send(counter.ref(newId()), { type: "up" });
  await until(
    `${count} effects are listed as failed`,
    async () => (await node.effects.counts()).failed === count,
  );
  return (await node.effects.failed()).map(({ id }) => id);
}

test("over HTTP: listed, retried, dropped", async () => {
  const [first = "", second = ""] = await fail(2);
  const { status, body } = await ask("GET", "/effects?state=failed");
  expect(status).toBe(200);
  expect(body.effects).toHaveLength(2);
  expect(body.effects[0]).toEqual({
    id: first,
    effect: "mail",
    reference: { type: "counter", id: expect.any(String) },
    version: 1,
    attempts: 1,
    error: "the mail server is away",
  });
  expect((await ask("GET", "/effects?state=failed&limit=1")).body.effects).toHaveLength(1);
  broken = false;
  expect(await ask("POST", `/effects/${first}/retry`)).toMatchObject({ status: 202, body: { count: 1 } });
  await until("one is left", async () => (await node.effects.counts()).failed === 1);
  expect(await ask("POST", `/effects/${second}/drop`)).toMatchObject({ status: 202, body: { count: 1 } });
  expect(problemIn(await ask("POST", `/effects/${second}/retry`))).toBe("404 NO_EFFECT not-committed");
  expect(problemIn(await ask("POST", "/effects/all/drop"))).toBe("404 NO_EFFECT not-committed");
  expect(await ask("POST", "/effects/all/retry")).toMatchObject({ status: 202, body: { count: 0 } });
  expect(problemIn(await ask("GET", "/effects"))).toMatch(/^400/);
  expect(problemIn(await ask("GET", "/effects?state=waiting"))).toMatch(/^400/);
});

test.each(["over HTTP", "over Redis"])("on the command line, %s: listed, retried, dropped", async (way) => {
  const [first = "", second = ""] = await fail(2);
  const where = way === "over HTTP" ? ["--url", door.address] : ["--redis", redis.url, "--network", NETWORK];
  const run = (...words: string[]) => runCli(["effects", ...words, ...where]);
  const listed = await run("list", "--json");
  expect(JSON.parse(listed.stdout).effects.map(({ id }: { readonly id: string }) => id)).toEqual([
    first,
    second,
  ]);
  expect((await run("list")).stdout).toContain("the mail server is away");
  expect((await run("drop", second)).stdout).toBe(`${second} is forgotten\n`);
  expect(errorOf(await run("retry", second, "--json"))).toMatchObject({ exit: 1, code: "NO_EFFECT" });
  broken = false;
  expect(JSON.parse((await run("retry", "all", "--json")).stdout)).toEqual({ count: 1 });
  await until("none is left", async () => (await node.effects.counts()).failed === 0);
  expect((await run("list")).stdout).toBe("no effect has failed\n");
});

test("a board of the queues, where it is asked for, behind the same token", async () => {
  const closed = await fetch(`${door.address}/queues`);
  expect(closed.status).toBe(404);
  const guarded = await openHttp(node, { port: 0, token: "a-token", board: await bullBoard() });
  try {
    const get = (path: string, authorization?: string) =>
      fetch(`${guarded.address}${path}`, authorization === undefined ? {} : { headers: { authorization } });
    const password = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
    const stranger = await get("/queues");
    expect([stranger.status, stranger.headers.get("www-authenticate")]).toEqual([
      401,
      'Basic realm="queues"',
    ]);
    expect((await get("/queues", password("me:wrong"))).status).toBe(401);
    expect((await get("/queues/api/queues", password("me:wrong"))).status).toBe(401);
    // A password is for the pages alone.
    expect((await get("/cluster", password("me:a-token"))).status).toBe(401);
    const page = await get("/queues", password("me:a-token"));
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<html")]);
    const [id = ""] = await fail(1);
    const listed = await (await get("/queues/api/queues?status=failed", "Bearer a-token")).json();
    expect((listed as { readonly queues: readonly unknown[] }).queues).toHaveLength(4);
    expect(JSON.stringify(listed)).toContain('"failed":1');
    await node.effects.drop(id);
  } finally {
    await guarded.close();
  }
});
