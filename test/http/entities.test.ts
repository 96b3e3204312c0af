// Messages and reads over HTTP, row by row of docs/http.md.

import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { HttpNode, problemIn } from "../harness/http-node.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";

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

test("a message is handled, and the answer is what send answers", async () => {
  const path = newBox();
  const first = await node.post(path, { type: "add", by: 2 });
  expect(first).toMatchObject({
    status: 200,
    body: {
      state: { sum: 2, texts: [] },
      version: 1,
      handledVersion: 1,
      reply: { added: 2 },
      duplicate: false,
    },
  });
  expect(Object.keys(first.body ?? {})).toEqual([
    "state",
    "version",
    "cursor",
    "handledVersion",
    "reply",
    "duplicate",
  ]);
  expect(first.headers.get("etag")).toBe(`"${String(first.body?.["cursor"])}"`);
  expect(first.headers.get("cache-control")).toBe("no-store");
  const second = await node.post(path, { type: "add", by: 3, text: "ü€𝄞" });
  expect(second.body).toMatchObject({ state: { sum: 5, texts: ["ü€𝄞"] }, version: 2 });
});

test("without a reply it is null", async () => {
  expect((await node.post(newBox(), { type: "nothing" })).body).toMatchObject({ reply: null, version: 0 });
});

test("an id in capitals is the same id", async () => {
  const id = newId();
  await node.post(`/entities/box/${id.toUpperCase()}`, { type: "add" });
  expect((await node.get(`/entities/box/${id}`)).body).toMatchObject({ version: 1 });
});

test.each(["return=minimal", 'wait=5, Return="minimal"', "return=minimal; foo"])(
  "Prefer: %s leaves the state out",
  async (prefer) => {
    const { body, headers } = await node.post(newBox(), { type: "add" }, { prefer });
    expect(Object.keys(body ?? {})).toEqual(["version", "cursor", "handledVersion", "reply", "duplicate"]);
    expect(headers.get("preference-applied")).toBe("return=minimal");
  },
);

test("another preference is not applied", async () => {
  const { body, headers } = await node.post(newBox(), { type: "add" }, { prefer: "return=representation" });
  expect(body).toHaveProperty("state");
  expect(headers.get("preference-applied")).toBeNull();
});

test("the same key is handled once, and another message under it is refused", async () => {
  const path = newBox();
  const key = { "idempotency-key": "order:17" };
  const first = await node.post(path, { type: "add", by: 2 }, key);
  await node.post(path, { type: "add", by: 5 });
  const again = await node.post(path, { type: "add", by: 2 }, key);
  expect(again.body).toMatchObject({
    state: { sum: 7 },
    version: 2,
    handledVersion: first.body?.["version"],
    reply: first.body?.["reply"],
    duplicate: true,
  });
  expect(problemIn(await node.post(path, { type: "add", by: 3 }, key))).toBe("409 KEY_REUSED not-committed");
});

test("a rejection under a key is rejected again", async () => {
  const path = newBox();
  const key = { "idempotency-key": "no" };
  const answers = [
    await node.post(path, { type: "reject" }, key),
    await node.post(path, { type: "reject" }, key),
  ];
  for (const answer of answers) expect(problemIn(answer)).toBe("422 REJECTED not-committed");
});

test("If-Match: handled at the ETag of the last answer, refused at an older one", async () => {
  const path = newBox();
  const none = (await node.get(path)).headers.get("etag") ?? "";
  const first = await node.post(path, { type: "add" }, { "if-match": none });
  expect(first.status).toBe(200);
  const etag = first.headers.get("etag") ?? "";
  expect((await node.post(path, { type: "add" }, { "if-match": etag })).body).toMatchObject({ version: 2 });
  for (const old of [none, etag]) {
    const refused = await node.post(path, { type: "add" }, { "if-match": old });
    expect(problemIn(refused)).toBe("412 EXPECTED_MISMATCH not-committed");
    expect(refused.body?.["data"]).toMatchObject({ version: 2 });
  }
  expect((await node.get(path)).body).toMatchObject({ version: 2 });
});

test("If-Match: a place that the log does not hold is 409", async () => {
  const path = newBox();
  const { headers } = await node.post(path, { type: "add" });
  const etag = headers.get("etag") ?? "";
  const forged = etag.replace(/[^.]*"$/, 'another-commit"');
  expect(problemIn(await node.post(path, { type: "add" }, { "if-match": forged }))).toBe(
    "409 LOG_DIVERGED not-committed",
  );
});

test.each(["*", "p1", 'W/"{etag}"', '"{etag}", "{etag}"', '"p1.elsewhere.x.1.y"', '""'])(
  "If-Match: %s is refused",
  async (form) => {
    const path = newBox();
    const { body } = await node.post(path, { type: "add" });
    const value = form.replaceAll("{etag}", String(body?.["cursor"]));
    expect(problemIn(await node.post(path, { type: "add" }, { "if-match": value }))).toBe(
      "400 INVALID_CURSOR not-committed",
    );
  },
);

test("an entity without records is init() at version 0", async () => {
  const { status, body, headers } = await node.get(newBox());
  expect({ status, body }).toMatchObject({ status: 200, body: { state: { sum: 0, texts: [] }, version: 0 } });
  expect(Object.keys(body ?? {})).toEqual(["state", "version", "cursor"]);
  expect(headers.get("etag")).toBe(`"${String(body?.["cursor"])}"`);
});

test("queries, with arguments as JSON; nothing is null", async () => {
  const path = newBox();
  await node.post(path, { type: "add", by: 7 });
  const sum = await node.get(`${path}?query=sum`);
  expect(Object.keys(sum.body ?? {})).toEqual(["result", "version", "cursor"]);
  expect(sum.body).toMatchObject({ result: 7, version: 1 });
  expect(sum.headers.get("etag")).toBe(`"${String(sum.body?.["cursor"])}"`);
  const args = (than: number) => encodeURIComponent(JSON.stringify({ than }));
  expect((await node.get(`${path}?query=above&args=${args(6)}`)).body).toMatchObject({ result: true });
  expect((await node.get(`${path}?query=above&args=${args(7)}`)).body).toMatchObject({ result: false });
  expect((await node.get(`${path}?query=nothing`)).body).toMatchObject({ result: null });
});

test.each(["map", "big"])("a query whose result is no JSON is the entity's fault: %s", async (query) => {
  expect(problemIn(await node.get(`${newBox()}?query=${query}`))).toBe("500 HANDLER_FAILED not-committed");
});

test.each([
  ["?query=constructor", "no query constructor"],
  ["?query=state", "no query state"],
  ["?query=", "no query "],
  ["?args=1", "args are for a query"],
  ["?query=above&args={", "args is not JSON"],
  ["?query=above&args=%7B%22__proto__%22%3A1%7D", "__proto__"],
  ["?quary=sum", "there is no quary"],
  ["?query=sum&query=sum", "query must be string"],
])("GET %s is refused", async (search, why) => {
  const answer = await node.get(`${newBox()}${search}`);
  expect(problemIn(answer)).toBe("400 INVALID_OPTIONS not-committed");
  expect(answer.body?.["detail"]).toContain(why);
});

test("HEAD is GET without its body; OPTIONS tells what there is; nothing else is taken", async () => {
  const path = newBox();
  const [head, get] = [await node.ask("HEAD", path), await node.get(path)];
  expect(head).toMatchObject({ status: 200, text: "" });
  for (const name of ["etag", "content-length", "content-type"])
    expect(head.headers.get(name)).toBe(get.headers.get(name));
  const options = await node.ask("OPTIONS", path, { headers: { origin: "https://elsewhere.example" } });
  expect(options).toMatchObject({ status: 204, text: "" });
  expect(options.headers.get("allow")).toBe("GET, HEAD, POST, OPTIONS");
  expect([...options.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  for (const method of ["PUT", "PATCH", "DELETE"]) {
    const refused = await node.ask(method, path, { body: "{", headers: { "content-type": "text/x" } });
    expect(problemIn(refused)).toBe("405 METHOD_NOT_ALLOWED not-committed");
    expect(refused.headers.get("allow")).toBe("GET, HEAD, POST, OPTIONS");
  }
});

test("the cluster, and where an entity lives", async () => {
  const id = newId();
  const { body } = await node.get(`/cluster?locate=${id}`);
  expect(body).toEqual({ ...node.pachyderm.cluster(), ...node.pachyderm.locate(id) });
  const whole = await node.get("/cluster");
  expect(whole.body).toEqual(node.pachyderm.cluster());
  expect(problemIn(await node.get("/cluster?locate=x"))).toBe("400 INVALID_REFERENCE not-committed");
});
