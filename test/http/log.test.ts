// The log: what happened, and nothing of what was said. Secrets are planted wherever a request has a place for one.

import { Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLog } from "../../src/http/index.ts";
import { newId, PachydermError } from "../../src/index.ts";
import { HttpNode } from "../harness/http-node.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

const PLANTED = "planted7secret";
const token = `right-${PLANTED}`;
const authorization = `Bearer ${token}`;
let server: RedisServer;
let node: HttpNode;

beforeAll(async () => {
  server = await RedisServer.start();
  await server.ask((client) => client.config("SET", "requirepass", PLANTED));
  node = await HttpNode.start(server.url.replace("//", `//:${PLANTED}@`), {
    http: { token },
    start: { timeoutMs: 2_000 },
  });
});
afterAll(async () => {
  await node.stop();
  await server.stop();
});

/** The last line, once it is of this path's status. */
async function lineOf(status: number): Promise<Record<string, unknown>> {
  await until(`a line of status ${status}`, () => node.log.at(-1)?.includes(`"status":${status}`) === true);
  return JSON.parse(node.log.at(-1) ?? "") as Record<string, unknown>;
}

test("one line for each request, with what is needed to find it", async () => {
  const id = newId();
  await node.post(`/entities/box/${id}`, { type: "add" }, { authorization });
  expect(await lineOf(200)).toMatchObject({
    level: 20,
    method: "POST",
    route: "/entities/:type/:id",
    type: "box",
    id,
    status: 200,
    ms: expect.any(Number),
  });
  await node.post(`/entities/box/${id}`, { type: "reject" }, { authorization });
  expect(await lineOf(422)).toMatchObject({ level: 30, code: "REJECTED", id });
});

test("no secret, whatever befalls the request that has it", async () => {
  const path = `/entities/box/${newId()}`;
  const good = { authorization, "idempotency-key": PLANTED };
  const statuses = [
    await node.post(path, { type: "add", text: PLANTED }, good),
    await node.post(path, { type: "add", text: `${PLANTED}!` }, good), // KEY_REUSED
    await node.post(path, { type: "reject", by: PLANTED }, { authorization }),
    await node.post(path, `{"type":"${PLANTED}"`, { authorization }), // V8 quotes what it could not parse
    await node.post(path, { type: PLANTED, by: {} }, { authorization }),
    await node.post(path, { type: "add" }, { authorization, "if-match": PLANTED }),
    await node.post(path, PLANTED, { authorization, "content-type": `text/${PLANTED}` }),
    await node.post(path, { type: "add", text: PLANTED.repeat(100_000) }, { authorization }),
    await node.post(path, { type: "add" }, { authorization: `Bearer wrong-${PLANTED}` }),
    await node.get(`${path}?query=above&args=${encodeURIComponent(JSON.stringify({ than: PLANTED }))}`, {
      authorization,
    }),
    await node.get(`${path}?${PLANTED}=1`, { authorization }),
    await node.get(`/${PLANTED}`, { authorization }),
    await node.get(`/entities/${PLANTED}!/${PLANTED}`, { authorization }),
    await node.get(`/%ff${PLANTED}`, { authorization }),
    await node.get(`${path}/events?from=${PLANTED}`, { authorization, cookie: PLANTED }),
  ].map(({ status }) => status);
  expect(statuses).toEqual([200, 409, 422, 400, 200, 400, 415, 413, 401, 200, 400, 404, 400, 400, 400]);
  server.freeze(); // what a connection's failure says of its command must not be told either
  const frozen = await node.post(path, { type: "add", text: PLANTED }, { authorization });
  server.thaw();
  expect([503, 504]).toContain(frozen.status);
  await until("all are logged", () => node.log.filter((line) => line.includes('"status":')).length >= 18);
  expect(node.log.filter((line) => line.includes(PLANTED))).toEqual([]);
});

test("what goes wrong inside is told, without what hangs on the error", async () => {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const log = jsonLog("info", stream);
  const cause = Object.assign(new Error("Connection is closed."), {
    command: { name: "evalsha", args: [PLANTED] },
  });
  log.error(
    { err: new PachydermError("STORE_UNAVAILABLE", "Redis is away", { cause, detail: PLANTED }) },
    "one",
  );
  log.error({ err: PLANTED }, "two");
  log.info({
    authorization: PLANTED,
    headers: { a: PLANTED },
    req: { body: PLANTED },
    options: { token: PLANTED },
  });
  log.info({ redis: { password: PLANTED }, secret: [PLANTED], cluster: { secret: PLANTED } });
  expect(lines).toHaveLength(4);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    err: { code: "STORE_UNAVAILABLE", message: "Redis is away", cause: { message: "Connection is closed." } },
  });
  expect(lines.join("")).not.toContain(PLANTED);
});
