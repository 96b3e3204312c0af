// The events of an entity, over HTTP and from a program: whole, in order, in pages, from any node.

import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, type PachydermError } from "../../src/index.ts";
import { box, HttpNode, other, problemIn } from "../harness/http-node.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";

const network = `events-${randomBytes(6).toString("hex")}`;
let redis: SomeRedis;
let node: HttpNode;

beforeAll(async () => {
  redis = await someRedis();
  node = await HttpNode.start(redis.url, { start: { entities: [box, other], network } });
});
afterAll(async () => {
  await node.stop();
  await redis.stop();
});

async function boxWith(events: number): Promise<string> {
  const id = newId();
  for (let by = 1; by <= events; by++) await node.pachyderm.send(box.ref(id), { type: "add", by });
  return id;
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "no failure",
    ({ code }: PachydermError) => code,
  );
}

test("every event, as its send told it", async () => {
  const id = newId();
  const sent = [
    await node.pachyderm.send(box.ref(id), { type: "add", by: 1 }),
    await node.pachyderm.send(box.ref(id), { type: "add", by: 2, text: "two" }),
  ];
  const { status, body, headers } = await node.get(`/entities/box/${id}/events`);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toMatch(/^application\/json/);
  expect(body).toEqual({
    events: [
      { type: "added", by: 1, text: "" },
      { type: "added", by: 2, text: "two" },
    ].map((event, i) => ({
      version: i + 1,
      event,
      messageId: expect.stringMatching(/^[\w-]+$/),
      at: expect.any(Number),
      cursor: sent[i]?.cursor,
    })),
    next: null,
  });
  expect(body).toEqual(await node.pachyderm.events(box.ref(id)));
});

test("in pages: each begins where the last one said, and together they are all", async () => {
  const id = await boxWith(7);
  for (const limit of [1, 2, 3, 6, 7, 8]) {
    const versions: number[] = [];
    let from: number | null = 1;
    while (from !== null) {
      const { text } = await node.get(`/entities/box/${id}/events?from=${from}&limit=${limit}`);
      const page = JSON.parse(text) as Awaited<ReturnType<Pachyderm["events"]>>;
      expect(page.events.length).toBeLessThanOrEqual(limit);
      versions.push(...page.events.map(({ version }) => version));
      from = page.next;
    }
    expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7]);
  }
  expect((await node.get(`/entities/box/${id}/events?from=8`)).body).toEqual({ events: [], next: null });
});

test("more than one call to the store brings: 300 events, and the limit is kept", async () => {
  const id = newId();
  await Promise.all(Array.from({ length: 300 }, () => node.pachyderm.send(box.ref(id), { type: "add" })));
  const all = await node.pachyderm.events(box.ref(id), { limit: 1_000 });
  expect(all.events.map(({ version }) => version)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  expect(all.next).toBeNull();
  const some = await node.pachyderm.events(box.ref(id), { from: 5, limit: 257 });
  expect(some.events).toEqual(all.events.slice(4, 261));
  expect(some.next).toBe(262);
});

test("a page of large events ends early, and next goes on", async () => {
  const id = newId();
  const text = "x".repeat(1_000_000);
  for (let i = 0; i < 6; i++)
    await node.pachyderm.send(box.ref(id), { type: "grow", text }, { answer: "none" });
  const { events, next } = await node.pachyderm.events(box.ref(id));
  expect(events).toHaveLength(5); // 4 Mi characters are passed with the fifth
  expect(next).toBe(6);
});

test("records of the system's own are passed over", async () => {
  const id = newId();
  for (const type of ["add", "only-effect", "add", "only-effect"])
    await node.pachyderm.send(box.ref(id), { type });
  const versionsFrom = async (from: number, limit: number) => {
    const { events, next } = await node.pachyderm.events(box.ref(id), { from, limit });
    return [events.map(({ version }) => version), next];
  };
  expect(await versionsFrom(1, 100)).toEqual([[1, 3], null]);
  expect(await versionsFrom(2, 1)).toEqual([[3], 4]);
  expect(await versionsFrom(4, 1)).toEqual([[], null]);
});

test("an entity without records has no events", async () => {
  expect((await node.get(`/entities/box/${newId()}/events`)).body).toEqual({ events: [], next: null });
});

test("upcast brings old events to today's form, and earlier names of the type are its own", async () => {
  const id = newId();
  const old = defineEntity({
    type: "crate",
    init: () => 0,
    handle: (_message: { readonly type: string }) => [{ type: "put" as const }],
    update: (_event: { readonly type: "put" }, state) => state + 1,
  });
  const before = await Pachyderm.start({ entities: [old], redis: redis.url, network });
  await before.send(old.ref(id), { type: "put" });
  await before.stop();
  const today = defineEntity({
    type: "bin",
    formerly: ["crate"],
    init: () => 0,
    handle: (_message: { readonly type: string }) => [],
    update: (_event: { readonly type: "put-in"; readonly by: string }, state) => state + 1,
    upcast: ({ type }) => ({ type: `${type}-in`, by: "nobody" }),
  });
  const after = await Pachyderm.start({ entities: [today], redis: redis.url, network });
  for (const type of ["bin", "crate"]) {
    const { events } = await after.events({ type, id });
    expect(events.map(({ event }) => event)).toEqual([{ type: "put-in", by: "nobody" }]);
  }
  await after.stop();
});

test("another type's id is 409, with its type; a type that nobody has is 404", async () => {
  const id = await boxWith(1);
  const wrong = await node.get(`/entities/other/${id}/events`);
  expect(problemIn(wrong)).toBe("409 WRONG_TYPE not-committed");
  expect(wrong.body?.["data"]).toEqual({ type: "box" });
  expect(problemIn(await node.get(`/entities/nobody/${id}/events`))).toBe("404 UNKNOWN_TYPE not-committed");
  expect(problemIn(await node.get("/entities/box/1/events"))).toBe("400 INVALID_REFERENCE not-committed");
});

test.each([
  "from=0",
  "from=-1",
  "from=1.5",
  "from=1e3",
  "from=",
  "from=99999999999999999",
  "limit=0",
  "limit=1001",
  "limit=1&limit=2",
  "first=1",
])("?%s is refused", async (search) => {
  const answer = await node.get(`/entities/box/${newId()}/events?${search}`);
  expect(problemIn(answer)).toBe("400 INVALID_OPTIONS not-committed");
});

test("options of a program are checked, names too", async () => {
  const events = (options: object) => failureOf(node.pachyderm.events(box.ref(newId()), options));
  for (const options of [{ from: "1" }, { limit: 0 }, { limit: 1_001 }, { first: 1 }])
    expect(await events(options)).toBe("INVALID_OPTIONS");
  expect(await failureOf(node.pachyderm.events({ type: "box", id: "1" }))).toBe("INVALID_REFERENCE");
});

test("what cannot be read is 500, and names the record", async () => {
  const id = await boxWith(1);
  const client = new Redis(redis.url);
  const [key = ""] = await client.keys(`{${network}:*}:e:${id}`);
  await client.xadd(key, "2-0", "corrupt", "entry");
  client.disconnect();
  expect(problemIn(await node.get(`/entities/box/${id}/events`))).toBe("500 UNREADABLE_EVENT not-committed");
});

test("after stop it is NODE_STOPPING", async () => {
  const stopped = await Pachyderm.start({ entities: [box] });
  await stopped.stop();
  expect(await failureOf(stopped.events(box.ref(newId())))).toBe("NODE_STOPPING");
});
