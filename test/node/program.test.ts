// cluster/main.ts as whoever runs it knows it: what it logs, how it ends, what it refuses to start with. On the build.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { NodeProcess } from "../../scripts/nodes/node-process.ts";
import { newId } from "../../src/index.ts";
import { freePort } from "../harness/free-port.ts";
import { openRequest } from "../harness/http-node.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { isLong } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

const main = fileURLToPath(new URL("../../cluster/main.ts", import.meta.url));
const hosted = fileURLToPath(new URL("../programs/hosted.ts", import.meta.url));
const PASSWORD = "p4ssw0rd-of-redis";

let redis: RedisServer;

beforeAll(async () => {
  redis = await RedisServer.start();
  await redis.ask((client) =>
    client.call("ACL", "SETUSER", "nodes", "on", `>${PASSWORD}`, "~*", "&*", "+@all"),
  );
});
afterEach(() => redis.thaw());
afterAll(() => redis.stop());

interface Running {
  readonly node: NodeProcess;
  /** What it wrote. */
  readonly lines: readonly string[];
  /** A line of its log. */
  says(message: string): Promise<Readonly<Record<string, unknown>>>;
  post(path: string, message: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

function environment(given: Readonly<Record<string, string>>): Readonly<Record<string, string | undefined>> {
  const url = `redis://nodes:${PASSWORD}@127.0.0.1:${redis.port}`;
  return {
    PATH: process.env["PATH"],
    PACHYDERM_REDIS_URL: url,
    PACHYDERM_NETWORK: `main-${newId().slice(-12)}`,
    ...given,
  };
}

async function run(given: Readonly<Record<string, string>> = {}): Promise<Running> {
  const lines: string[] = [];
  const order = {
    name: "the node",
    httpPort: await freePort(),
    onLine: (line: string) => void lines.push(line),
  };
  const node = new NodeProcess({ ...order, env: environment(given) });
  await node.serves();
  return {
    node,
    lines,
    async says(message) {
      const has = (line: string): boolean => line.includes(`"msg":"${message}`);
      await until(`the node logs "${message}"`, () => lines.some(has));
      return JSON.parse(lines.find(has) ?? "") as Readonly<Record<string, unknown>>;
    },
    post: (path, message, headers = {}) =>
      fetch(`${node.address}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof message === "string" ? message : JSON.stringify(message),
      }),
  };
}

function signal({ node }: Running, name: NodeJS.Signals): void {
  if (node.pid === undefined) throw new Error("the node was not started");
  process.kill(node.pid, name);
}

/** A message that is taken and cannot be committed: Redis is frozen. */
async function waitingPost(running: Running): Promise<{ readonly answer: Promise<Response> }> {
  redis.freeze();
  const answer = running.post(`/entities/counter/${newId()}`, { type: "increment" });
  answer.catch(() => {}); // looked at later
  await until("the message is in its mailbox", async () => {
    const text = await (await fetch(`${running.node.address}/metrics`)).text();
    return /^pachyderm_mailbox_messages 1$/m.test(text);
  });
  return { answer };
}

test("SIGTERM: what was taken is answered, what comes is told to go elsewhere, and it ends with code 0", async () => {
  const running = await run();
  const { answer } = await waitingPost(running);
  signal(running, "SIGTERM");
  await running.says("the node drains");
  const ready = await fetch(`${running.node.address}/readyz`);
  expect(ready.status).toBe(503);
  const late = await running.post(`/entities/counter/${newId()}`, { type: "increment" });
  expect(late.status).toBe(503);
  expect(late.headers.get("retry-after")).toBe("1");
  expect(await late.json()).toMatchObject({
    code: "NODE_STOPPING",
    outcome: "not-committed",
    retryable: true,
  });
  redis.thaw();
  expect(await (await answer).json()).toMatchObject({ state: { count: 1 }, version: 1 });
  expect(await running.node.ended).toEqual({ code: 0, signal: null });
  await running.says("the node has stopped");
});

test("a second signal ends it at once, with code 1", async () => {
  const running = await run();
  const { answer } = await waitingPost(running);
  signal(running, "SIGINT");
  await running.says("the node drains");
  signal(running, "SIGTERM");
  expect(await running.node.ended).toEqual({ code: 1, signal: null });
  expect(await running.says("asked again")).toMatchObject({ level: 60, signal: "SIGTERM" });
  await expect(answer).rejects.toThrow();
  redis.thaw();
});

test.skipIf(!isLong)(
  "with Redis frozen it ends all the same, and the sender is told (long form only)",
  async () => {
    const running = await run();
    const { answer } = await waitingPost(running);
    signal(running, "SIGTERM");
    expect(await running.node.ended).toEqual({ code: 0, signal: null });
    expect(await (await answer).json()).toMatchObject({ code: "DEADLINE_EXCEEDED", retryable: true });
  },
  40_000,
);

test.skipIf(!isLong)(
  "one that cannot finish ends when its time is up (long form only)",
  async () => {
    const running = await run({ PACHYDERM_ENTITIES: hosted });
    const path = `/entities/notebook/${newId()}`;
    expect((await running.post(path, { type: "stick", text: "" })).status).toBe(200); // an effect that never ends
    const open = await openRequest(running.node.address, path); // and a request that never comes whole
    const from = performance.now();
    signal(running, "SIGTERM");
    expect(await running.node.ended).toEqual({ code: 1, signal: null });
    expect(performance.now() - from).toBeGreaterThan(14_000); // END_MS of cluster/main.ts
    await running.says("the node did not stop within 15000 ms");
    await expect(open.answered).rejects.toThrow();
  },
  40_000,
);

test("PACHYDERM_ENTITIES: what the module exports is hosted, and nothing else", async () => {
  const running = await run({ PACHYDERM_ENTITIES: hosted });
  const path = `/entities/notebook/${newId()}`;
  expect((await running.post(path, { type: "note", text: "a" })).status).toBe(200);
  const cluster: unknown = await (await fetch(`${running.node.address}/cluster`)).json();
  expect(cluster).toMatchObject({ nodes: [{ types: ["notebook"] }] });
  expect((await running.post(`/entities/counter/${newId()}`, { type: "increment" })).status).toBe(404);
  // An error that nobody catches: the process is in a state that nobody knows, and is not to go on.
  await running.post(path, { type: "break", text: "b" }).catch(() => {});
  expect(await running.node.ended).toEqual({ code: 1, signal: null });
  const fatal = await running.says("uncaughtException: the node ends");
  expect(fatal).toMatchObject({ level: 60, err: { message: "nobody catches this" } });
});

test("its log is JSON, has who joins and leaves, and no payload, token, secret or password", async () => {
  const secrets = { PACHYDERM_SECRET: "s3cr3t-of-the-nodes", PACHYDERM_HTTP_TOKEN: "t0ken-of-the-door" };
  const shared = { ...secrets, PACHYDERM_NETWORK: `main-${newId().slice(-12)}`, PACHYDERM_ENTITIES: hosted };
  const [one, two] = [await run({ ...shared, PACHYDERM_LOG_LEVEL: "trace" }), await run(shared)];
  await one.says("a node has joined");
  const bearer = { authorization: "Bearer t0ken-of-the-door" };
  const path = `/entities/notebook/${newId()}`;
  const payload = "p4yl0ad";
  const statuses = [
    await one.post(path, { type: "note", text: payload }, bearer),
    await one.post(path, { type: "refuse", text: payload }, bearer),
    await one.post(path, `{"type":"note","text":"${payload}`, bearer),
    await one.post(path, { text: payload }, bearer),
    await one.post(`${path}?${payload}=1`, { type: "note" }, bearer),
    await one.post(path, { type: "note", text: payload }, { authorization: "Bearer wr0ng-token" }),
  ].map(({ status }) => status);
  expect(statuses).toEqual([200, 422, 400, 400, 400, 401]);
  await until(
    "every request is logged",
    () => one.lines.filter((line) => line.includes('"answered"')).length >= 6,
  );
  await two.node.stop();
  await one.says("a node has left");
  await one.node.stop();
  for (const line of [...one.lines, ...two.lines])
    expect(() => JSON.parse(line) as unknown, line).not.toThrow();
  const all = [...one.lines, ...two.lines].join("\n");
  for (const secret of [payload, PASSWORD, "s3cr3t-of-the-nodes", "t0ken-of-the-door", "wr0ng-token"])
    expect(all).not.toContain(secret);
});

/** Starts a node that does not start. */
async function failing(given: Readonly<Record<string, string>>) {
  const env = environment(given) as NodeJS.ProcessEnv;
  return await promisify(execFile)(process.execPath, [main], { env, timeout: 20_000 }).then(
    () => Promise.reject(new Error("it ended well")),
    ({
      code,
      stdout,
      stderr,
    }: {
      readonly code: unknown;
      readonly stdout: string;
      readonly stderr: string;
    }) => ({
      code,
      output: `${stdout}${stderr}`,
    }),
  );
}

test("what it cannot start with is one line, and code 1", async () => {
  const [port, open, denied] = await Promise.all([
    failing({ PACHYDERM_PORT: "tcp://10.0.0.1:7946" }),
    failing({ PACHYDERM_HOST: "0.0.0.0", PACHYDERM_ADVERTISE: "here:7946", PACHYDERM_PORT: "0" }),
    failing({ PACHYDERM_REDIS_URL: `redis://nodes:wrong-${PASSWORD}@127.0.0.1:${redis.port}` }),
  ]);
  const said = [port, open, denied].map(({ code, output }) => {
    expect(code).toBe(1);
    expect(output).not.toContain(PASSWORD);
    const { level, err, msg } = JSON.parse(output) as Record<string, unknown>;
    expect([level, msg]).toEqual([60, "the node failed"]);
    return err;
  });
  expect(said).toMatchObject([
    { code: "INVALID_OPTIONS", message: expect.stringMatching(/^PACHYDERM_PORT /) },
    { code: "INVALID_OPTIONS", message: expect.stringContaining("secret") },
    { code: "UNAUTHORIZED" },
  ]);
});
