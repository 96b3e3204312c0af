// The store on a Redis Cluster behind bad lines, and while slots move: each answer says no more than what is known, and
// what befalls one master is nothing to the others.

import calculateSlot from "cluster-key-slot";
import { Cluster } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { IdSequence } from "../../src/engine/ids.ts";
import { commitOf, headAfter, newKey, start } from "../../src/laws/event-store/client.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { Commit } from "../../src/ports/event-store.ts";
import type { RedisEventStore } from "../../src/redis/event-store.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { openRedis } from "../../src/redis/open.ts";
import { TcpProxy } from "../harness/proxy.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { until } from "../harness/until.ts";

/** Two for each master: 0 and 1, 2 and 3, 4 and 5. */
const PARTITIONS = 6;
const NETWORK = "line";
const space = new KeySpace(NETWORK, PARTITIONS);
const ids = new IdSequence();
let cluster: RedisCluster;
let proxies: readonly TcpProxy[];
let store: RedisEventStore;
const unhandled: unknown[] = [];
const hear = (reason: unknown): void => void unhandled.push(reason);

beforeAll(async () => {
  process.on("unhandledRejection", hear);
  cluster = await RedisCluster.start();
  proxies = await Promise.all(cluster.masters.map(({ port }) => TcpProxy.start(port)));
  const ways = cluster.masters.map(({ port }, i) => [
    `127.0.0.1:${port}`,
    { host: "127.0.0.1", port: proxies[i]?.port ?? 0 },
  ]);
  const redis = new Cluster(
    proxies.map(({ port }) => ({ host: "127.0.0.1", port })),
    {
      lazyConnect: true,
      natMap: Object.fromEntries(ways),
    },
  );
  const settings = { partitions: PARTITIONS, log: true, lookbackMs: 60_000 };
  const nextId = () => ids.next();
  ({ store } = await openRedis({
    redis,
    network: NETWORK,
    settings,
    clock: systemClock,
    nextId,
    timeoutMs: 10_000,
  }));
});
afterEach(async () => {
  for (const proxy of proxies) proxy.heal();
  // Whatever was lost is found again, and nobody was left to himself.
  for (const partition of [0, 2, 4])
    await until(
      `partition ${partition} is served`,
      async () => (await commit(commitOf(newKey(partition), start))).kind === "committed",
    );
  expect(unhandled).toEqual([]);
});
afterAll(async () => {
  await store.close();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await cluster.stop();
  process.off("unhandledRejection", hear);
});

async function commit(one: Commit, ms = 8_000) {
  const [result] = await store.commit([one], systemClock.monotonicMs() + ms);
  return result ?? expect.fail("no answer");
}

/** Of an entity that has a record already: so that its keys are there. */
async function warm(partition: number): Promise<Commit> {
  const key = newKey(partition);
  const first = commitOf(key, start);
  expect(await commit(first)).toMatchObject({ kind: "committed" });
  return commitOf(key, headAfter(first));
}

async function scriptRuns(place: number): Promise<number> {
  const text = (await cluster.masters[place]?.ask((client) => client.info("commandstats"))) ?? "";
  const calls = [...text.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].map(([, count]) => Number(count));
  return calls.reduce((sum, count) => sum + count, 0);
}

/**
 * Of a commit that no server is given: one whose deadline passes while it waits for a connection is unknown, like every
 * other that is under way then, and is asked for again.
 */
async function untilKnownAsNotCommitted(one: Commit): Promise<void> {
  await until("it is known as not committed", async () => (await commit(one, 300)).kind === "unavailable");
}

/** Of the store's commits, by the numbers that the server gave them. */
async function connectionsOf(place: number): Promise<readonly string[]> {
  const list = (await cluster.masters[place]?.ask((client) => client.client("LIST"))) ?? "";
  return [...String(list).matchAll(/^id=(\d+) .*name=pachyderm:commits /gm)].map(([, id = ""]) => id);
}

test("a commit whose answer was lost is tried again by us, once, and recognised", async () => {
  const next = await warm(0);
  const before = await scriptRuns(0);
  const lost = proxies[0]?.loseReplies();
  expect(await commit(next)).toMatchObject({ kind: "committed", already: true });
  await lost;
  // The run whose answer was lost, and the one that found it.
  expect((await scriptRuns(0)) - before).toBe(2);
});

test("a refusal after a lost answer does not say that nothing was written", async () => {
  const next = await warm(0);
  const [master] = cluster.masters;
  const lost = proxies[0]?.loseReplies();
  const result = commit(next);
  await lost;
  proxies[0]?.refuse(); // nobody asks again before the refusal stands
  await master?.ask((client) => client.config("SET", "maxmemory", "1"));
  try {
    proxies[0]?.heal();
    expect(await result).toMatchObject({ kind: "unknown", reason: expect.stringMatching(/^OOM/) });
  } finally {
    await master?.ask((client) => client.config("SET", "maxmemory", "0"));
  }
  expect(await commit(next)).toMatchObject({ kind: "committed", already: true });
});

test("a master that is not there: certainly not committed; the others serve", async () => {
  const [first, second] = [await warm(0), await warm(2)];
  proxies[0]?.refuse();
  await untilKnownAsNotCommitted(first);
  let isOver = false;
  const absent = commit(first, 3_000).finally(() => {
    isOver = true;
  });
  expect(await commit(second)).toMatchObject({ kind: "committed" });
  expect(isOver, "nobody waits for the one that is not there").toBe(false);
  expect((await absent).kind).not.toBe("committed");
});

test("a silent master: unknown; the others have their calls under way, and keep their connections", async () => {
  const [first, second, third] = [await warm(0), await warm(2), await warm(4)];
  const before = [await connectionsOf(1), await connectionsOf(2)];
  expect(before[0]).not.toEqual([]);
  proxies[0]?.blackhole();
  const silent = commit(first, 3_000);
  expect(await commit(second, 2_500)).toMatchObject({ kind: "committed" });
  expect(await silent).toMatchObject({ kind: "unknown" });
  expect([await connectionsOf(1), await connectionsOf(2)]).toEqual(before);
  expect(await commit(third)).toMatchObject({ kind: "committed" });
});

test("a slot that moves: nothing is lost, and whoever cannot wait for its end hears that nothing was committed", async () => {
  const [next, other] = [await warm(0), await warm(0)];
  const slot = calculateSlot(space.log(0));
  const to = cluster.masters[1];
  if (to === undefined) expect.fail("there is no second master");
  const patient: ReturnType<typeof commit>[] = [];
  const hasty: ReturnType<typeof commit>[] = [];
  const moved = await cluster.migrate(slot, to, async () => {
    patient.push(commit(next), commit(commitOf(newKey(0), start)));
    // Some of its keys are there, on whichever side, and one is new: Redis says TRYAGAIN until all have moved.
    hasty.push(commit(commitOf(newKey(0), start), 100));
    await hasty.at(-1);
    if (hasty.length === 1) await untilKnownAsNotCommitted(commitOf(newKey(0), start));
  });
  expect(moved).toBeGreaterThan(4);
  const kinds = async (results: typeof patient) => [
    ...new Set((await Promise.all(results)).map(({ kind }) => kind)),
  ];
  expect(await kinds(patient)).toEqual(["committed"]);
  const ended = await kinds(hasty);
  // Unknown is one that was being asked when its time was up.
  expect(ended.filter((kind) => kind !== "unavailable" && kind !== "unknown")).toEqual([]);
  expect(await commit(other)).toMatchObject({ kind: "committed" });
  await cluster.migrate(slot, cluster.masters[0] ?? to);
});

test("a slot that moves to a master that cannot be reached: no commit, no lie, and nobody's rejection", async () => {
  const slot = calculateSlot(space.log(1));
  const [from, to] = cluster.masters;
  if (from === undefined || to === undefined) expect.fail("there are no masters");
  const [source, target] = await Promise.all(
    [from, to].map((server) => server.ask((client) => client.cluster("MYID"))),
  );
  await to.ask((client) => client.cluster("SETSLOT", slot, "IMPORTING", String(source)));
  await from.ask((client) => client.cluster("SETSLOT", slot, "MIGRATING", String(target)));
  proxies[1]?.refuse();
  const fresh = commitOf(newKey(1), start); // none of its keys is there: whoever asks is sent on
  await untilKnownAsNotCommitted(fresh);
  proxies[1]?.heal();
  for (const server of [to, from]) await server.ask((client) => client.cluster("SETSLOT", slot, "STABLE"));
  expect(await commit(fresh)).toMatchObject({ kind: "committed", already: false });
});
