// Nodes on a Redis Cluster of three masters, each with a replica: what befalls slots and masters while senders send.

import calculateSlot from "cluster-key-slot";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { partitionOf } from "../../src/core/partition.ts";
import { newId, Pachyderm } from "../../src/index.ts";
import { KeySpace, metaKey } from "../../src/redis/keys.ts";
import { TestCluster } from "../harness/cluster.ts";
import { errorsIn, longestPause } from "../harness/cluster-log.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { isLong, rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";
import { ledger, note } from "../programs/ledger.ts";

const NETWORK = "on-cluster";
const PARTITIONS = 32;
const names = ["a", "b", "c"];
const space = new KeySpace(NETWORK, PARTITIONS);
const slotOf = (partition: number) => calculateSlot(space.log(partition));
const load = {
  ids: Array.from({ length: 120 }, () => newId()),
  senders: rounds(6, 16),
  thinkMs: rounds(10, 0),
  timeoutMs: 5_000,
};
const inUse = [...new Set(load.ids.map((id) => partitionOf(id, PARTITIONS)))];
let redis: RedisCluster;
let cluster: TestCluster;

beforeAll(async () => {
  redis = await RedisCluster.start({ replicas: true, config: { "cluster-node-timeout": "1000" } });
  cluster = await TestCluster.start({ network: NETWORK, redis }, names);
}, 60_000);
afterAll(() => cluster.stop());

test("three nodes on three masters: all is placed, every sender is answered, and the log agrees", async () => {
  await cluster.load(names, load);
  await cluster.goesOn(names, 300);
  expect(errorsIn(await cluster.finish(names))).toEqual({});
  expect(await cluster.check()).toEqual([]);
  const counts = await Promise.all(redis.masters.map((master) => master.ask((client) => client.dbsize())));
  expect(Math.min(...counts)).toBeGreaterThan(20); // each has its share
});

test("commits are gathered: one call for each slot that has some, and not one for each", async () => {
  const entities = Array.from({ length: 320 }, () => ledger.ref(newId()));
  const node = await Pachyderm.start({
    entities: [ledger],
    effects: [note],
    redis: redis.url,
    network: "gathered",
  });
  try {
    const all = (op: string) =>
      Promise.all(entities.map((to, i) => node.send(to, { type: "add", op: `${op}:${i}` })));
    await all("first");
    const before = await scriptRuns();
    const sent = await all("second");
    const runs = (await scriptRuns()) - before;
    expect(sent.every(({ version }) => version === 2)).toBe(true);
    expect(runs).toBeGreaterThanOrEqual(PARTITIONS); // the keys of one call are of one slot
    expect(runs).toBeLessThanOrEqual(3 * PARTITIONS);
  } finally {
    await node.stop();
  }
});

async function scriptRuns(): Promise<number> {
  const texts = await Promise.all(
    redis.masters.map((master) => master.ask((client) => client.info("commandstats"))),
  );
  const calls = texts.flatMap((text) => [...text.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)]);
  return calls.reduce((sum, [, count]) => sum + Number(count), 0);
}

test(
  "slots that are in use move to other masters: no sender sees an error, nothing is lost, nothing twice",
  async () => {
    const partitions = inUse.slice(0, rounds(4, PARTITIONS));
    const slots = [calculateSlot(metaKey(NETWORK)), ...partitions.map(slotOf)];
    await cluster.load(names, load);
    await cluster.goesOn(names, 100);
    let moved = 0;
    for (const slot of slots) {
      const from = await redis.ownerOf(slot);
      const others = redis.masters.filter((master) => master !== from);
      const to = others[slot % others.length];
      if (to === undefined) expect.fail("there is no other master");
      moved += await redis.migrate(slot, to, () => cluster.goesOn(["a"], 1));
    }
    await cluster.goesOn(names, 100);
    const told = await cluster.finish(names);
    expect(moved).toBeGreaterThan(slots.length);
    expect(errorsIn(told)).toEqual({});
    expect(await cluster.check()).toEqual([]);
    console.log(
      `${slots.length} slots moved, ${moved} keys, longest pause ${longestPause(told).toFixed(0)} ms`,
    );
  },
  rounds(60_000, 900_000),
);

test("a replica takes over in an orderly way: no sender sees an error, and nothing is lost", async () => {
  await cluster.load(names, load);
  await cluster.goesOn(names, 100);
  await redis.failOver(0);
  await cluster.goesOn(names, 200);
  const told = await cluster.finish(names);
  expect(errorsIn(told)).toEqual({});
  expect(await cluster.check()).toEqual([]);
  console.log(`orderly failover: longest pause ${longestPause(told).toFixed(0)} ms`);
});
