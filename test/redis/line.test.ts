// The store on Redis behind a bad line: each answer says no more than what is known.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/core/reference.ts";
import { Client, commitOf, headAfter, look, newKey, start } from "../../src/laws/event-store/client.ts";
import { systemClock } from "../../src/node/clock.ts";
import { openRedis } from "../../src/redis/open.ts";
import type { OpenBackend } from "../harness/open-backend.ts";
import { TcpProxy } from "../harness/proxy.ts";
import { openRedisBackend } from "../harness/redis-backend.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { LATE_MS } from "../harness/rounds.ts";

let redis: RedisServer;
let proxy: TcpProxy;
let backend: OpenBackend;
let client: Client;

beforeAll(async () => {
  redis = await RedisServer.start();
  proxy = await TcpProxy.start(redis.port);
  backend = await openRedisBackend(proxy.url, proxy.url);
  client = new Client(await backend.open(), backend);
});

afterEach(() => proxy.heal());

afterAll(async () => {
  await client.store.close();
  await backend.close();
  await proxy.stop();
  await redis.stop();
});

const inMs = (ms: number) => systemClock.monotonicMs() + ms;

/** The line may still be coming back: the store waits for it. */
async function lengthOf(key: ReturnType<typeof newKey>): Promise<number> {
  return (await client.history(key)).length;
}

test("a commit whose answer was lost is tried again, recognised, and there once", async () => {
  const key = newKey();
  await client.append(newKey(), 1); // else the lost reply is that the server does not have the script yet
  const lost = proxy.loseReplies();
  const commit = commitOf(key, start);
  const result = await client.commit(commit);
  await lost;
  expect(result).toMatchObject({ kind: "committed", already: true });
  expect(await lengthOf(key)).toBe(1);
  await client.append(key, 1, headAfter(commit));
});

test("one that finds a cut line is written when the line is back", async () => {
  const key = newKey();
  await client.append(newKey(), 1);
  proxy.cut();
  expect(await client.commit(commitOf(key, start))).toMatchObject({ kind: "committed" });
  expect(await lengthOf(key)).toBe(1);
});

test("a commit that fell into silence is unknown when its deadline passes, and may be tried again", async () => {
  const key = newKey();
  await client.append(newKey(), 1);
  proxy.blackhole();
  const commit = commitOf(key, start);
  const begun = systemClock.monotonicMs();
  const [result] = await client.store.commit([commit], inMs(300));
  const took = systemClock.monotonicMs() - begun;
  expect(result?.kind).toBe("unknown");
  expect(took).toBeGreaterThan(290);
  expect(took).toBeLessThan(300 + LATE_MS);
  proxy.heal();
  expect(await client.commit(commit)).toMatchObject({ kind: "committed", already: false });
});

test("a commit, a load and a read that cannot be sent are unavailable when their deadline passes", async () => {
  const key = newKey();
  proxy.refuse();
  const [result] = await client.store.commit([commitOf(key, start)], inMs(200));
  // The line may have been found cut by this very call: then it is not known whether Redis has it.
  expect(["unavailable", "unknown"]).toContain(result?.kind);
  const [again] = await client.store.commit([commitOf(key, start)], inMs(200));
  expect(again?.kind).toBe("unavailable");
  const [loaded] = await client.store.load([{ key, schema: null }], inMs(200));
  expect(loaded?.kind).toBe("unavailable");
  expect((await client.store.read(key, 1, 1, inMs(200))).kind).toBe("unavailable");
  proxy.heal();
  expect(await lengthOf(key)).toBe(0);
});

test("a frozen server is unknown at the deadline; the commit is done, or not, when it thaws, and never twice", async () => {
  const key = newKey();
  await client.append(newKey(), 1);
  redis.freeze();
  const commit = commitOf(key, start);
  const [result] = await client.store.commit([commit], inMs(300));
  redis.thaw();
  expect(result?.kind).toBe("unknown");
  expect(await client.commit(commit)).toMatchObject({ kind: "committed" });
  expect(await lengthOf(key)).toBe(1);
});

test("a server that was killed and restarted is used again, its scripts and all", async () => {
  const key = newKey();
  const head = await client.append(key, 1);
  await redis.restart();
  const commit = commitOf(key, head);
  expect(await client.commit(commit)).toMatchObject({ kind: "committed" });
  expect(await lengthOf(key)).toBe(2);
});

test("many calls that fall silent together give their line up once: nothing is warned of", async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error) => warnings.push(warning);
  process.on("warning", listener);
  try {
    const key = newKey();
    await client.append(key, 1);
    proxy.blackhole();
    // Longer than a call may be silent.
    const reads = Array.from({ length: 20 }, () => client.store.read(key, 1, 1, inMs(2_500)));
    for (const read of reads) expect((await read).kind).toBe("unavailable");
    proxy.heal();
    expect(await lengthOf(key)).toBe(1);
    expect(warnings).toEqual([]);
  } finally {
    process.off("warning", listener);
  }
});

test("one whose answer was lost, and which must then be sent again in full, is unknown if there is no time left", async () => {
  let ahead = 0;
  let calls = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + ahead };
  // The third call is the one in full: the tries of the second have met each other.
  const nextId = () => {
    calls += 1;
    if (calls === 3) ahead = 3_600_000;
    return newId();
  };
  // A line of its own: on the other one, what the tests before have cut may come back now, and lose its reply instead.
  const own = await TcpProxy.start(redis.port);
  const settings = { partitions: 8, log: true, lookbackMs: 60_000 };
  const options = { redis: own.url, network: "again", settings, clock, nextId, timeoutMs: 10_000 };
  const { store } = await openRedis(options);
  await store.commit([commitOf(newKey(), start)], inMs(10_000)); // it knows the tip by this
  const lost = own.loseReplies();
  const commit = commitOf(newKey(), start, {
    receipts: [{ ...look("x", "m"), notBefore: store.now() + 1_000 }],
  });
  const [result] = await store.commit([commit], inMs(10_000));
  await lost;
  await store.close();
  await own.stop();
  expect(calls).toBe(3);
  expect(result?.kind).toBe("unknown");
});
