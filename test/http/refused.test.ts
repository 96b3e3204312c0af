// What is not taken, and what its sender is told: bad input, wrong tokens, what is too large.

import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HttpOptions, openHttp } from "../../src/http/index.ts";
import { newId, Pachyderm, type PachydermError } from "../../src/index.ts";
import { box, HttpNode, problemIn } from "../harness/http-node.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";
import { until } from "../harness/until.ts";

const MIB = 1_048_576;
let redis: SomeRedis;
let node: HttpNode;

beforeAll(async () => {
  redis = await someRedis();
  node = await HttpNode.start(redis.url);
});
afterAll(async () => {
  await node.stop();
  await redis.stop();
});

function newBox(): string {
  return `/entities/box/${newId()}`;
}

test.each([
  ["no JSON", '{"type":"add"'],
  ["nothing", ""],
  ["no object", '"add"'],
  ["an array", "[]"],
  ["null", "null"],
  ["no type", '{"by":1}'],
  ["a type that is no text", '{"type":1}'],
  ["an empty type", '{"type":""}'],
  ["__proto__", '{"type":"add","__proto__":{"by":1}}'],
  ["__proto__ in escapes", '{"type":"add","\\u005f_proto__":{"by":1}}'],
  ["constructor.prototype", '{"type":"add","constructor":{"prototype":{}}}'],
  ["200,000 levels", `{"type":"add","a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`],
])("a body that is %s is INVALID_MESSAGE", async (_, body) => {
  const path = newBox();
  expect(problemIn(await node.post(path, body))).toBe("400 INVALID_MESSAGE not-committed");
  expect((await node.get(path)).body).toMatchObject({ version: 0 });
});

test("bytes that are no UTF-8 are not stored as something else", async () => {
  const path = newBox();
  const body = Buffer.concat([Buffer.from('{"type":"add","text":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  const answer = await node.ask("POST", path, { body, headers: { "content-type": "application/json" } });
  expect(problemIn(answer)).toBe("400 INVALID_MESSAGE not-committed");
});

test.each([
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/problem+json",
  "multipart/form-data",
])("a message as %s is 415", async (type) => {
  const answer = await node.post(newBox(), { type: "add" }, { "content-type": type });
  expect(problemIn(answer)).toBe("415 UNSUPPORTED_MEDIA_TYPE not-committed");
});

test("a message without a content type is 415, and one with a charset is taken", async () => {
  const body = new TextEncoder().encode('{"type":"add"}'); // bytes: fetch says nothing of their type
  expect(problemIn(await node.ask("POST", newBox(), { body }))).toBe(
    "415 UNSUPPORTED_MEDIA_TYPE not-committed",
  );
  const type = "application/json; charset=utf-8";
  expect((await node.post(newBox(), { type: "add" }, { "content-type": type })).status).toBe(200);
});

test("a message of 1 MiB is taken, one byte more is 413", async () => {
  const sized = (bytes: number) => {
    const around = JSON.stringify({ type: "nothing", text: "" }).length;
    return JSON.stringify({ type: "nothing", text: "x".repeat(bytes - around) });
  };
  expect((await node.post(newBox(), sized(MIB))).status).toBe(200);
  expect(problemIn(await node.post(newBox(), sized(MIB + 1)))).toBe("413 TOO_LARGE not-committed");
});

test("a decision that is too large is 413 too", async () => {
  const answer = await node.post(newBox(), { type: "grow", text: "x".repeat(1_000), by: 1_100 });
  expect(problemIn(answer)).toBe("413 TOO_LARGE not-committed");
});

test("without a length, a body is measured as it comes", async () => {
  const chunk = new Uint8Array(MIB / 4).fill(0x20);
  let sent = 0;
  const body = new ReadableStream({
    pull: (controller) => {
      sent++;
      if (sent > 8) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const init = { body, duplex: "half" as const, headers: { "content-type": "application/json" } };
  // The answer comes before all is sent, and ends the connection: a client may see the one or the other.
  const told = await node.ask("POST", newBox(), init).then(problemIn, () => "the connection ended");
  expect(["413 TOO_LARGE not-committed", "the connection ended"]).toContain(told);
  const isTold = (line: string): boolean => line.includes('"status":413,"code":"TOO_LARGE"');
  await until("it is in the log", () => node.log.some(isTold));
});

test.each([
  ["/entities/box/1", "400 INVALID_REFERENCE"],
  ["/entities/-/0190a5a0-0000-7000-8000-000000000001", "400 INVALID_REFERENCE"],
  [`/entities/box/${"1".repeat(5_000)}`, "400 INVALID_REFERENCE"],
  ["/entities/box/%2e%2e%2fcluster", "400 INVALID_REFERENCE"],
  ["/entities/nobody/0190a5a0-0000-7000-8000-000000000001", "404 UNKNOWN_TYPE"],
  ["/entities/constructor/0190a5a0-0000-7000-8000-000000000001", "404 UNKNOWN_TYPE"],
  ["/entities/box", "404 NO_ROUTE"],
  ["/entities/box/0190a5a0-0000-7000-8000-000000000001/", "404 NO_ROUTE"],
  ["/", "404 NO_ROUTE"],
  ["/%ff", "400 BAD_REQUEST"],
  ["/entities/box/%zz", "400 BAD_REQUEST"],
])("%.60s is %s", async (path, told) => {
  expect(problemIn(await node.get(path))).toBe(`${told} not-committed`);
  expect(problemIn(await node.post(path, { type: "add" }))).toBe(`${told} not-committed`);
});

test("what a query string says of a POST is refused, not passed over", async () => {
  const answer = await node.post(`${newBox()}?expected=3`, { type: "add" });
  expect(problemIn(answer)).toBe("400 INVALID_OPTIONS not-committed");
});

test.each(["", "x".repeat(201)])("the idempotency key %.9s is refused", async (key) => {
  const answer = await node.post(newBox(), { type: "add" }, { "idempotency-key": key });
  expect(problemIn(answer)).toBe("400 INVALID_OPTIONS not-committed");
});

test("a rejection is 422, with what the entity said", async () => {
  const answer = await node.post(newBox(), { type: "reject", by: 3 });
  expect(problemIn(answer)).toBe("422 REJECTED not-committed");
  expect(answer.body).toMatchObject({ detail: "rejected: no", data: { code: "no", detail: { by: 3 } } });
});

test("a handler that throws is 500, and its stack stays here", async () => {
  const answer = await node.post(newBox(), { type: "throw" });
  expect(problemIn(answer)).toBe("500 HANDLER_FAILED not-committed");
  expect(answer.text).not.toContain("http-node.ts");
});

test("an id that another type has is 409, with its type", async () => {
  const id = newId();
  await node.post(`/entities/box/${id}`, { type: "add" });
  const answer = await node.post(`/entities/other/${id}`, { type: "add" });
  expect(problemIn(answer)).toBe("409 WRONG_TYPE not-committed");
  expect(answer.body?.["data"]).toEqual({ type: "box" });
});

/** What comes back on a connection of its own for bytes that no client would send. */
async function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(node.door.address);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

test.each([
  ["no HTTP", "hello\r\n\r\n", "400 Bad Request", "BAD_REQUEST"],
  [
    "two lengths",
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    "400 Bad Request",
    "BAD_REQUEST",
  ],
  [
    "20 KiB of headers",
    `GET / HTTP/1.1\r\nhost: x\r\na: ${"x".repeat(20_000)}\r\n\r\n`,
    "431 ",
    "HEADERS_TOO_LARGE",
  ],
])("%s is told as a problem, and the connection ends", async (_, text, status, code) => {
  const answer = await raw(text);
  expect(answer).toContain(`HTTP/1.1 ${status}`);
  expect(answer).toContain("content-type: application/problem+json");
  expect(answer).toContain(`"code":"${code}"`);
});

describe("with tokens", () => {
  const token = ["first-token", "second-token=="];
  let closed: HttpNode;

  beforeAll(async () => {
    closed = await HttpNode.start(redis.url, { http: { token } });
  });
  afterAll(() => closed.stop());

  const paths = [
    "/cluster",
    "/metrics",
    "/nowhere",
    `/entities/box/${newId()}`,
    `/entities/box/${newId()}/events`,
  ];

  test.each([
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "Bearer first-toke",
    "Bearer first-tokens",
    "Bearer First-token",
    "Bearer first-token second-token==",
    "Basic first-token",
    "first-token",
  ])("without one of them nothing is told: %s", async (authorization) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    for (const path of paths) {
      const answer = await closed.get(path, headers);
      expect(problemIn(answer)).toBe("401 UNAUTHORIZED not-committed");
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
    const id = newId();
    const answer = await closed.post(`/entities/box/${id}`, { type: "add" }, headers);
    expect(problemIn(answer)).toBe("401 UNAUTHORIZED not-committed");
    expect(await closed.pachyderm.get(box.ref(id))).toMatchObject({ version: 0 });
  });

  test.each(["Bearer first-token", "bearer second-token=="])(
    "with one of them: %s",
    async (authorization) => {
      expect((await closed.get("/cluster", { authorization })).status).toBe(200);
      expect((await closed.post(newBox(), { type: "add" }, { authorization })).status).toBe(200);
      expect(problemIn(await closed.get("/nowhere", { authorization }))).toBe("404 NO_ROUTE not-committed");
    },
  );

  test.each(["/healthz", "/readyz"])("%s needs none", async (path) => {
    expect((await closed.get(path)).status).toBe(200);
  });
});

test("options that cannot be are refused before anything listens", async () => {
  const pachyderm = await Pachyderm.start();
  const codeOf = (options: HttpOptions) =>
    openHttp(pachyderm, { port: 0, ...options }).then(
      () => "opened",
      ({ code }: PachydermError) => code,
    );
  const { port } = new URL(node.door.address);
  for (const options of [
    { token: "" },
    { token: ["sound", "not sound"] },
    { limits: { bodyBytes: 0 } },
    { limits: { bodybytes: 1 } as object },
    { port: Number(port) }, // taken
    { port: 70_000 },
    { host: `no-such-host-${"x".repeat(60)}.invalid` }, // longer than a name's part may be: no name server is asked
  ]) {
    expect(await codeOf(options)).toBe("INVALID_OPTIONS");
  }
  await pachyderm.stop();
});
