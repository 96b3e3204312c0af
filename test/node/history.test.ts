// What an entity was at each of its versions, and what a message would come to: on Redis and embedded.

import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  defineEffect,
  defineEntity,
  newId,
  Pachyderm,
  type PachydermError,
  reject,
} from "../../src/index.ts";
import { HttpNode, problemIn } from "../harness/http-node.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";

const dispatched: unknown[] = [];
const mail = defineEffect({
  name: "mail",
  dispatch: (payload: { sum: number }) => void dispatched.push(payload),
});

/** A snapshot every third record, so that history begins at one, and before one. */
const tally = defineEntity({
  type: "tally",
  snapshot: { every: 3 },
  init: () => ({ sum: 0 }),
  handle({ by }: { type: "add"; by: number }, { sum }, { version }) {
    if (by === 0) return reject("nothing", { version });
    if (by < 0) throw new Error("below zero");
    return {
      events: [{ type: "added" as const, by }],
      effects: [mail({ sum: sum + by })],
      reply: { sum: sum + by },
    };
  },
  update: ({ by }: { type: "added"; by: number }, { sum }) => ({ sum: sum + by }),
});
const other = defineEntity({
  type: "other",
  init: () => 0,
  handle: (_: { type: "do" }) => [{ type: "done" as const }],
  update: (_: { type: "done" }, n) => n + 1,
});

const definitions = { entities: [tally, other], effects: [mail] };
let redis: SomeRedis;
let http: HttpNode;
let client: Redis;
const network = `history-${randomBytes(6).toString("hex")}`;

beforeAll(async () => {
  redis = await someRedis();
  http = await HttpNode.start(redis.url, { start: { ...definitions, network } });
  client = new Redis(redis.url);
});
afterAll(async () => {
  client.disconnect();
  await http.stop();
  await redis.stop();
});

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "no failure",
    ({ code, outcome }: PachydermError) => `${code} ${outcome}`,
  );
}

describe.each(["redis", "memory"] as const)("on %s", (where) => {
  let node: Pachyderm;
  beforeAll(async () => {
    node = where === "redis" ? http.pachyderm : await Pachyderm.start(definitions);
  });
  afterAll(async () => {
    if (where === "memory") await node.stop();
  });

  async function tallied(count: number) {
    const id = newId();
    const sent = [];
    for (let by = 1; by <= count; by++) sent.push(await node.send(tally.ref(id), { type: "add", by }));
    return { id, sent };
  }

  test("each version: the state, the cursor and the events that its send told", async () => {
    const { id, sent } = await tallied(8);
    for (const [i, { version, state, cursor }] of sent.entries()) {
      const was = await node.history(tally.ref(id), { at: version });
      expect({ state: was.state, version: was.version, cursor: was.cursor }).toEqual({
        state,
        version,
        cursor,
      });
      expect(was.events.map(({ event: { by } }) => by)).toEqual(sent.slice(0, i + 1).map((_, n) => n + 1));
      expect(await node.history(tally.ref(id), { at: cursor })).toEqual(was);
    }
    expect(await node.history(tally.ref(id))).toEqual(await node.history(tally.ref(id), { at: 8 }));
    expect((await node.history(tally.ref(id), { limit: 2 })).events.map(({ version }) => version)).toEqual([
      7, 8,
    ]);
    expect((await node.history(tally.ref(id), { limit: 0 })).events).toEqual([]);
  });

  test("more than a page", async () => {
    const id = newId();
    const adds = Array.from({ length: 2_500 }, (_, i) => i + 1);
    for (let i = 0; i < adds.length; i += 500)
      await Promise.all(adds.slice(i, i + 500).map((by) => node.send(tally.ref(id), { type: "add", by })));
    for (const at of [2_500, 2_399, 1_001, 1_000, 1]) {
      const { state, events } = await node.history(tally.ref(id), { at, limit: 3 });
      expect(state).toEqual({ sum: (at * (at + 1)) / 2 });
      expect(events.at(-1)?.version).toBe(at);
    }
  });

  test("before the first record, and where there is none", async () => {
    const { id } = await tallied(2);
    const none = await node.history(tally.ref(newId()));
    expect([none.state, none.version, none.events]).toEqual([{ sum: 0 }, 0, []]);
    const first = await node.history(tally.ref(id), { at: 0 });
    expect([first.state, first.version, first.events]).toEqual([{ sum: 0 }, 0, []]);
  });

  test("what cannot be: refused in words", async () => {
    const { id, sent } = await tallied(2);
    const ask = (options: object) => failureOf(node.history(tally.ref(id), options));
    expect(await ask({ at: 3 })).toBe("INVALID_OPTIONS not-committed");
    expect(await ask({ at: -1 })).toBe("INVALID_OPTIONS not-committed");
    expect(await ask({ when: 1 })).toBe("INVALID_OPTIONS not-committed");
    expect(await ask({ limit: 1_001 })).toBe("INVALID_OPTIONS not-committed");
    expect(await ask({ at: "no cursor" })).toBe("INVALID_CURSOR not-committed");
    expect(await ask({ at: (await tallied(1)).sent[0]?.cursor })).toBe("INVALID_CURSOR not-committed");
    expect(await ask({ at: sent[0]?.cursor.replace(/\.[^.]*$/, ".another") })).toBe(
      "LOG_DIVERGED not-committed",
    );
    expect(await failureOf(node.history({ type: "nobody", id: newId() }))).toBe("UNKNOWN_TYPE not-committed");
    expect(await failureOf(node.history(other.ref(id)))).toBe("WRONG_TYPE not-committed");
  });

  test("a preview tells what a send then does, and does nothing", async () => {
    const { id } = await tallied(3);
    dispatched.length = 0;
    const seen = await node.preview(tally.ref(id), { type: "add", by: 5 });
    expect(seen).toEqual({
      outcome: "handled",
      events: [{ type: "added", by: 5 }],
      effects: [{ effect: "mail", payload: { sum: 11 } }],
      reply: { sum: 11 },
      state: { sum: 11 },
      version: 3,
    });
    expect((await node.get(tally.ref(id))).version).toBe(3);
    expect(dispatched).toEqual([]);
    const sent = await node.send(tally.ref(id), { type: "add", by: 5 });
    expect([sent.state, sent.reply, sent.version]).toEqual([{ sum: 11 }, { sum: 11 }, 4]);
  });

  test("a preview of a rejection, of a failure, and of the first message", async () => {
    const { id } = await tallied(1);
    const no = await node.preview(tally.ref(id), { type: "add", by: 0 });
    expect(no).toEqual({ outcome: "rejected", code: "nothing", detail: { version: 1 }, version: 1 });
    expect(await failureOf(node.preview(tally.ref(id), { type: "add", by: -1 }))).toBe(
      "HANDLER_FAILED not-committed",
    );
    expect(await failureOf(node.preview(other.ref(id), { type: "do" }))).toBe("WRONG_TYPE not-committed");
    const first = await node.preview(tally.ref(newId()), { type: "add", by: 1 });
    expect(first).toMatchObject({ outcome: "handled", state: { sum: 1 }, version: 0 });
  });
});

test("what led there was trimmed: said so, and what a snapshot covers is told", async () => {
  const id = newId();
  for (let by = 1; by <= 7; by++) await http.pachyderm.send(tally.ref(id), { type: "add", by });
  const [stream = ""] = await client.keys(`*e:${id}`);
  await client.xtrim(stream, "MINID", "7-0");
  expect(await http.pachyderm.history(tally.ref(id))).toMatchObject({ version: 7, state: { sum: 28 } });
  expect(await failureOf(http.pachyderm.history(tally.ref(id), { at: 4 }))).toBe(
    "UNREADABLE_EVENT not-committed",
  );
});

test("over HTTP the same", async () => {
  const id = newId();
  for (const by of [1, 2, 3]) await http.pachyderm.send(tally.ref(id), { type: "add", by });
  const was = await http.get(`/entities/tally/${id}/history?at=2&limit=1`);
  expect(was.body).toEqual(
    JSON.parse(JSON.stringify(await http.pachyderm.history(tally.ref(id), { at: 2, limit: 1 }))),
  );
  expect(was.headers.get("etag")).toBe(`"${was.body?.["cursor"]}"`);
  const cursor = encodeURIComponent(String(was.body?.["cursor"]));
  expect((await http.get(`/entities/tally/${id}/history?at=${cursor}&limit=1`)).body).toEqual(was.body);
  const seen = await http.post(`/entities/tally/${id}/preview`, { type: "add", by: 4 });
  expect([seen.status, seen.body?.["state"]]).toEqual([200, { sum: 10 }]);
  expect((await http.post(`/entities/tally/${id}/preview`, { type: "add", by: 0 })).body?.["outcome"]).toBe(
    "rejected",
  );
  expect(problemIn(await http.get(`/entities/tally/${id}/history?at=9`))).toBe(
    "400 INVALID_OPTIONS not-committed",
  );
  expect(problemIn(await http.get(`/entities/tally/${id}/history?form=9`))).toMatch(/^400/);
  expect((await http.get(`/entities/tally/${id}/preview`)).status).toBe(405);
});
