// The texts of timers, as they were written when their form was made: a timer may wait for years.

import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/node/clock.ts";
import type { Commit } from "../../src/ports/event-store.ts";
import type { StoredTimer } from "../../src/ports/timers.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { openRedis } from "../../src/redis/open.ts";
import { parseTimer } from "../../src/redis/timer-format.ts";
import { RedisServer } from "../harness/redis-server.ts";

const NETWORK = "golden-timers";
const key = { id: "0190f3a0-1c2d-7e4f-8a5b-6c7d8e9f0a1b", partition: 0 };
const message = '{"type":"expire","note":"päckchen\\n🐘"}';
/** A time that will not come while this is run. */
const DUE = 4_000_000_000_000;

/** What stands in the hash, and in the list of due times. */
const golden = {
  once: [`1 AbC_-1z-0 ${DUE} 0 0 cart\n${message}`, DUE],
  "every hour": [`1 AbC_-1z-1 ${DUE + 1} 3600000 0 cart\n${message}`, DUE + 1],
  "put off": [`1 AbC_-1z-2 1000 0 3 cart\n${message}`, DUE],
  parked: [`1 AbC_-1z-3 1000 60000 8 cart\n${message}\nHANDLER_FAILED: handle threw: it broke`, null],
} as const;

const meant: readonly StoredTimer[] = [
  {
    name: "once",
    generation: "AbC_-1z-0",
    dueAt: DUE,
    everyMs: null,
    tries: 0,
    type: "cart",
    message,
    parked: null,
  },
  {
    name: "every hour",
    generation: "AbC_-1z-1",
    dueAt: DUE + 1,
    everyMs: 3_600_000,
    tries: 0,
    type: "cart",
    message,
    parked: null,
  },
  {
    name: "put off",
    generation: "AbC_-1z-2",
    dueAt: 1_000,
    everyMs: null,
    tries: 3,
    type: "cart",
    message,
    parked: null,
  },
  {
    name: "parked",
    generation: "AbC_-1z-3",
    dueAt: 1_000,
    everyMs: 60_000,
    tries: 8,
    type: "cart",
    message,
    parked: "HANDLER_FAILED: handle threw: it broke",
  },
];

let server: RedisServer;
let client: Redis;
const space = new KeySpace(NETWORK, 1);

beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis(server.url);
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

test("they are written today as they always were", async () => {
  const settings = { partitions: 1, log: false, lookbackMs: 60_000 };
  const { store, timers } = await openRedis({
    redis: server.url,
    network: NETWORK,
    settings,
    clock: systemClock,
    nextId: () => "call",
    timeoutMs: 10_000,
  });
  const deadline = systemClock.monotonicMs() + 10_000;
  const commit: Commit = {
    key,
    type: "cart",
    commitId: "AbC_-1z",
    expected: { version: 0, commitId: "" },
    records: [{ messageId: "m", event: '{"type":"opened"}', reply: "" }],
    receipts: [],
    snapshot: null,
    timers: meant.map(({ name, generation, dueAt, everyMs }) => ({
      name,
      set: { generation, dueAt, everyMs, message },
    })),
  };
  expect(await store.commit([commit], deadline)).toMatchObject([{ kind: "committed" }]);
  const [, , off, parked] = meant;
  if (off === undefined || parked === undefined) throw new Error("there is no such timer");
  const ms = DUE - store.now();
  await timers.setAside(key, off, { kind: "later", ms, tries: 3 }, deadline);
  await timers.setAside(key, parked, { kind: "parked", reason: parked.parked ?? "", tries: 8 }, deadline);

  const stored = await client.hgetall(space.timers(key));
  expect(stored).toEqual(Object.fromEntries(Object.entries(golden).map(([name, [text]]) => [name, text])));
  for (const [name, [, due]] of Object.entries(golden)) {
    const at = await client.zscore(space.due(0), `${key.id} ${name}`);
    if (due === null) expect(at).toBeNull();
    else expect(Math.abs(Number(at) - due)).toBeLessThan(10_000); // put off from a moment of the test's own
  }
  await Promise.all([store.close(), timers.close()]);
});

test("they are read as they were meant", () => {
  const read = Object.entries(golden).map(([name, [text]]) => parseTimer(name, text));
  expect(read).toEqual(meant);
});

test.each([
  "",
  "something else",
  `2 g ${DUE} 0 0 cart\n${message}`,
  `1 g ${DUE} 0 cart\n${message}`,
  `1 g soon 0 0 cart\n${message}`,
  `1 g ${DUE} 0 0 cart`,
  `1 g ${DUE} 0 0 cart\n`,
  `1 g ${DUE} 0 0 c a r t\n${message}`,
])("what is not of that form is no timer: %j", (text) => {
  expect(parseTimer("x", text)).toBeUndefined();
});
