// Following an entity and steering subscriptions from the command line, over Redis and over HTTP.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openHttp } from "../../src/http/index.ts";
import { defineEntity, newId, Pachyderm } from "../../src/index.ts";
import { Cli, documentOf, errorOf, runCli } from "../harness/cli.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

const tally = defineEntity({
  type: "tally",
  init: () => ({ sum: 0 }),
  handle: ({ n }: { type: "add"; n: number }) => [{ type: "added" as const, n }],
  update: ({ n }: { type: "added"; n: number }, { sum }) => ({ sum: sum + n }),
});
const SECRET = "a-secret-of-the-test";
let server: RedisServer;
let node: Pachyderm;
let door: Awaited<ReturnType<typeof openHttp>>;
let made = 0;
const seen: number[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  const options = { redis: server.url, network: "cli-log", partitions: 2 };
  node = await Pachyderm.start({ entities: [tally], ...options, cluster: { port: 0, secret: SECRET } });
  door = await openHttp(node, { port: 0 });
  await node.subscribe({ name: "mailer", handle: ({ version }) => void seen.push(version) });
});
afterAll(async () => {
  await door.close();
  await node.stop();
  await server.stop();
});

const add = (id: string, n: number) => node.send(tally.ref(id), { type: "add", n });

describe.each([
  [
    "over Redis",
    () => ({ PACHYDERM_REDIS_URL: server.url, PACHYDERM_NETWORK: "cli-log", PACHYDERM_SECRET: SECRET }),
  ],
  ["over HTTP", () => ({ PACHYDERM_URL: door.address })],
])("%s", (_, variables) => {
  const json = (...words: string[]) => runCli([...words, "--json"], variables());

  test("follow: past, live, until it is interrupted; from a version, behind a cursor, so many", async () => {
    const id = newId();
    await add(id, 1);
    const { cursor } = await add(id, 2);
    const cli = new Cli(["follow", "tally", id, "--json"], variables());
    await until("it has told the past", () => cli.said.split("\n").length === 3);
    await add(id, 3);
    await until("it has told what came", () => cli.said.split("\n").length === 4);
    cli.signal("SIGINT");
    const { code, stdout, stderr } = await cli.ended();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { version: number; event: object });
    expect(lines.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(lines[2]?.event).toEqual({ type: "added", n: 3 });
    const versions = async (...words: string[]) =>
      (await json("follow", "tally", id, "--limit", "1", ...words)).stdout.match(/"version":\d+/g);
    expect(await versions("--from", "2")).toEqual(['"version":2']);
    expect(await versions("--after", cursor)).toEqual(['"version":3']);
    const wrong = await json("follow", "tally", newId(), "--after", cursor);
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toContain("INVALID_CURSOR");
  });

  test("subscriptions: listed, paused, resumed, rewound", async () => {
    const caughtUp = async () =>
      documentOf(await json("subscriptions", "lag", "mailer"))["caughtUp"] === true;
    await until("it is caught up", caughtUp);
    expect(documentOf(await json("subscriptions", "list"))).toMatchObject({
      subscriptions: [{ name: "mailer" }],
    });
    expect(documentOf(await json("subscriptions", "pause", "mailer"))).toEqual({ name: "mailer" });
    const { partitions } = documentOf(await json("subscriptions", "lag", "mailer")) as {
      partitions: { status: string }[];
    };
    expect(partitions.map(({ status }) => status)).toEqual(["paused", "paused"]);
    const people = await runCli(["subscriptions", "list"], variables());
    expect(people.stdout).toMatch(/mailer.*2 not running/);
    await json("subscriptions", "resume", "mailer");
    const before = seen.length;
    made += 1;
    await json("subscriptions", "rewind", "mailer", "start");
    await until("it goes again", () => seen.length >= before + made * 3);
    const missing = await json("subscriptions", "lag", "unheard");
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toContain("there is no subscription unheard");
  });
});

test.each([
  [200, "text/html", "<p>Welcome!</p>", "answered 200, and nothing that a node would say"],
  [502, "text/html", "<p>Bad gateway</p>", "answered 502, and nothing that a node would say"],
  [200, "application/json", "{}", "answered 200, and nothing that a node would say"],
  [200, "text/event-stream", "event: recorded\ndata: oops\n\n", "holds what is no event of an entity"],
])(
  "follow: an answer of %i that is no node's, of %s: an end with an error",
  async (status, type, body, words) => {
    const proxy = createServer((_, response) =>
      response.writeHead(status, { "content-type": type }).end(body),
    );
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const end = errorOf(await runCli(["follow", "tally", newId(), "--json"], { PACHYDERM_URL: url }));
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
    expect(end).toMatchObject({ code: "BAD_ANSWER", error: { message: expect.stringContaining(words) } });
    expect(end.exit).not.toBe(0);
  },
);
