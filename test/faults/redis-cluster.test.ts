// Nodes on a Redis Cluster of three masters, each with a replica: what befalls slots and masters while senders send.

import calculateSlot from "cluster-key-slot";
import { afterAll, beforeAll, expect, test } from "vitest";
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
  await cluster.goesOn(names, rounds(100, 1_000));
  expect(errorsIn(await cluster.finish(names))).toEqual({});
  expect(await cluster.check()).toEqual([]);
  const counts = await Promise.all(redis.masters.map((master) => master.ask((client) => client.dbsize())));
  expect(Math.min(...counts)).toBeGreaterThan(20); // each has its share
});

test("commits are gathered: one call for each slot that has some, and not one for each", async () => {
  // Ten of each partition: by chance one of them might have none.
  const entities = Array.from({ length: 320 }, (_, i) =>
    ledger.ref(idWhere((partition) => partition === i % PARTITIONS)),
  );
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
    const before = await logEntries("gathered");
    const sent = await all("second");
    const calls = (await logEntries("gathered")) - before;
    expect(sent.every(({ version }) => version === 2)).toBe(true);
    expect(calls).toBeGreaterThanOrEqual(PARTITIONS); // the keys of one call are of one slot
    expect(calls).toBeLessThanOrEqual(3 * PARTITIONS);
  } finally {
    await node.stop();
  }
});

/** Of a network's log: each call of the commit script leaves one in each partition that it wrote to. */
async function logEntries(network: string): Promise<number> {
  const keys = new KeySpace(network, PARTITIONS);
  return await redis.ask(async (client) => {
    const lengths = Array.from({ length: PARTITIONS }, (_, partition) => client.xlen(keys.log(partition)));
    return (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0);
  });
}

test(
  "slots that are in use move to other masters: no sender sees an error, nothing is lost, nothing twice",
  async () => {
    const partitions = inUse.slice(0, rounds(2, PARTITIONS));
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

/** Entities of which any node was told that Redis lost acknowledged commits. */
async function diverged(): Promise<ReadonlySet<string>> {
  const views = await Promise.all(cluster.nodes.map((node) => node.view()));
  return new Set(views.flatMap((view) => view.diverged));
}

/** What senders may be told while a master is away: to send again, and whether for certain nothing was done. */
const PASSING = /^(STORE_UNAVAILABLE|DEADLINE_EXCEEDED) (unknown|not-committed): /;

// The long run alone: what a kill loses is up to chance, and the next test loses something for certain.
test.runIf(isLong)(
  "a master is killed under load: answers or an honest unknown; what was lost is told",
  async () => {
    await cluster.load(names, load);
    await cluster.goesOn(names, 500);
    await redis.masters[1]?.kill();
    await redis.takenOver(1);
    await cluster.goesOn(names, 2_000);
    const told = await cluster.finish(names);
    for (const id of load.ids)
      expect(await cluster.node("a").send("ledger", id, `last-${id}:1`)).toMatchObject({ kind: "answered" });
    const errors = Object.keys(errorsIn(told));
    expect(errors.filter((error) => !PASSING.test(error))).toEqual([]);
    const lost = await diverged();
    const problems = (await cluster.check()).filter((problem) => !/: invented: .* of last-/.test(problem));
    expect(problems.filter((problem) => ![...lost].some((id) => problem.startsWith(id)))).toEqual([]);
    console.log(
      `killed master: longest pause ${longestPause(told).toFixed(0)} ms, ${errors.length} kinds of errors, ${lost.size} entities lost commits`,
    );
  },
  120_000,
);

test("a master dies with commits that its replica never had: that is told, and all goes on with what there is", async () => {
  const [master, replica] = [redis.masters[2], redis.replicas[2]];
  if (master === undefined || replica === undefined) expect.fail("there is no third master");
  const owners = await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => redis.ownerOf(slotOf(p))));
  const own = Array.from({ length: 8 }, () => idWhere((partition) => owners[partition] === master));
  const send = (id: string, op: string) => cluster.node("b").send("ledger", id, op, 15_000);
  for (const id of own)
    expect(await send(id, `kept-${id}:1`)).toMatchObject({ kind: "answered", handledVersion: 1 });
  // As far as the master is now, the replica must come: WAIT would ask for what its own connection wrote, which is nothing.
  const offset = Number(await master.info("master_repl_offset"));
  await until("the replica has them", async () => Number(await replica.info("slave_repl_offset")) >= offset);
  replica.freeze();
  await master.ask((client) => client.call("CLIENT", "KILL", "TYPE", "replica"));
  for (const id of own)
    expect(await send(id, `lost-${id}:2`)).toMatchObject({ kind: "answered", handledVersion: 2 });
  const before = await diverged();
  await master.kill();
  replica.thaw();
  await redis.takenOver(2);
  // Version 2 again: what was acknowledged as it is gone.
  for (const id of own)
    expect(await send(id, `again-${id}:3`)).toMatchObject({ kind: "answered", handledVersion: 2 });
  // Everybody who remembers it hears so, when he is asked: not at once where the owner was silent for as long as Redis was away,
  // and the next in rank, who remembers nothing, has handled that message in its place.
  const untold = async (): Promise<readonly string[]> => {
    const told = await diverged();
    return own.filter((id) => !told.has(id));
  };
  for (let round = 4; round < 8; round++)
    for (const id of await untold())
      expect(await send(id, `more-${id}:${round}`)).toMatchObject({ kind: "answered" });
  expect(await untold()).toEqual([]);
  expect([...(await diverged())].filter((id) => !before.has(id) && !own.includes(id))).toEqual([]);
}, 60_000);

function idWhere(holds: (partition: number) => boolean): string {
  for (;;) {
    const id = newId();
    if (holds(partitionOf(id, PARTITIONS))) return id;
  }
}
