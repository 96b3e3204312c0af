// Whatever can befall a cluster, one thing after the other, as the dice fall: whoever was told something was told the truth,
// rows of views are what the log makes, and when all is whole again all serve.

import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { Dice } from "../../src/laws/event-store/dice.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { TestCluster } from "../harness/cluster.ts";
import { errorsIn } from "../harness/cluster-log.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

/** The last two may be killed; `a` and the sender, which keep the books, may not. */
const names = ["a", "b", "c"];
const pairs = [
  ["a", "b"],
  ["b", "a"],
  ["b", "c"],
  ["c", "a"],
] as const;
const SENDER = "sender";
const PARTITIONS = 32;
const loaded = [SENDER, "a"];
const someIds = () => Array.from({ length: 200 }, () => newId());
const [ledgers, shelves] = [someIds(), someIds()];
const load = { senders: 24, thinkMs: 5, timeoutMs: 2_000 };
const STEPS = rounds(4, 150);
/**
 * The long run does what nobody chose. The everyday run does the same each time: a node freezes, Redis freezes, a node is
 * cut off from it, a node is killed.
 */
const seed = Number(process.env["PACHYDERM_SEED"] ?? rounds(1_488, Date.now() % 1_000_000));
let cluster: TestCluster;

beforeAll(async () => {
  const setup = { network: "chaos", cuttable: true, cluster: { leaseMs: 1_000 }, types: ["ledger", "shelf"] };
  cluster = await TestCluster.start(setup, names);
  await cluster.add(SENDER, { host: false });
});
afterAll(() => cluster.stop());

/** Each does harm, and returns what mends it. */
const harms: readonly ((dice: Dice) => Promise<() => unknown>)[] = [
  async (dice) => {
    const node = cluster.node(dice.oneOf([...names, SENDER]));
    node.freeze();
    return () => node.thaw();
  },
  async (dice) => {
    const name = dice.oneOf(["b", "c"]);
    await cluster.kill(name);
    return () => cluster.add(name);
  },
  async (dice) => {
    const name = dice.oneOf(["b", "c"]);
    await cluster.stopNode(name);
    return () => cluster.add(name);
  },
  async (dice) => {
    const [from, to] = dice.oneOf(pairs);
    cluster.cut(from, to, dice.oneOf(["swallow", "reset"]), { oneWay: dice.chance(0.5) });
    return () => cluster.heal();
  },
  async (dice) => {
    cluster.cutRedis(dice.oneOf([...names, SENDER]), dice.oneOf(["swallow", "reset"]));
    return () => cluster.heal();
  },
  async (dice) => {
    cluster.blackhole(dice.oneOf(names));
    return () => cluster.heal();
  },
  async () => {
    await cluster.redis.ask((redis) => redis.script("FLUSH"));
    await cluster.redis.ask((redis) => redis.call("CLIENT", "KILL", "TYPE", "normal"));
    return () => {};
  },
  async () => {
    cluster.redis.freeze();
    return () => cluster.redis.thaw();
  },
  async () => {
    const keys = new KeySpace(cluster.network, PARTITIONS);
    const leases = Array.from({ length: PARTITIONS }, (_, partition) => keys.lease(partition));
    await cluster.redis.ask((redis) => redis.del(...leases));
    return () => {};
  },
];

test(`${STEPS} harms (PACHYDERM_SEED=${seed})`, async () => {
  const dice = new Dice(seed);
  await cluster.load([SENDER], { ...load, ids: ledgers });
  await cluster.load(["a"], { ...load, type: "shelf", ids: shelves });
  await cluster.goesOn(loaded, 50);
  for (let step = 0; step < STEPS; step++) {
    const harm = dice.oneOf(harms);
    const mend = await harm(dice);
    // Shorter than silence, longer, longer than a lease.
    const end = performance.now() + dice.oneOf([100, 700, 1_500]);
    await until("it has lasted", () => performance.now() > end);
    await mend();
    if (dice.chance(0.3)) await cluster.settled();
  }
  cluster.heal();
  await cluster.settled();
  await cluster.goesOn(loaded, 100);
  const told = await cluster.finish(loaded);
  expect(await cluster.check()).toEqual([]);
  for (const node of cluster.nodes) {
    for (const id of ledgers.slice(0, 64)) {
      const sent = await node.send("ledger", id, `after-${node.name}:0`);
      expect(sent.kind, `${node.name}: ${JSON.stringify(sent)}`).toBe("answered");
    }
  }
  console.log(`${told.length} sends over ${STEPS} harms; errors: ${JSON.stringify(errorsIn(told))}`);
}, 900_000);
