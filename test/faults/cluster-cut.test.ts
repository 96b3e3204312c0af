// Lines between nodes, and between a node and Redis, are cut or fall silent, and heal: senders hear the truth, and all is
// as before by itself.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { TestCluster } from "../harness/cluster.ts";
import { errorsIn, longestPause, median, recoveredAfter } from "../harness/cluster-log.ts";
import { monotonicMs, type Told } from "../harness/load.ts";
import { isLong, LATE_MS, rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

const names = ["a", "b", "c"];
const LEASE_MS = 2_000;
/** How a line is cut. */
const rules = isLong ? (["swallow", "reset"] as const) : (["swallow"] as const);
/** Of what a node that stops has taken. */
const STOP_MS = 2_000;
const ROUNDS = rounds(1, 10);
const load = { ids: Array.from({ length: 300 }, () => newId()), senders: 21, thinkMs: 10, timeoutMs: 5_000 };
/** Milliseconds; the everyday run shares its machine, and asks only for less than a lease's 5 seconds, or a deadline's. */
const SILENT_MS = rounds(4_500, 1_000);
const HEALED_MS = rounds(4_500, 2_000);
let cluster: TestCluster;

beforeAll(async () => {
  const cut = {
    network: "cut",
    cuttable: true,
    start: { stopTimeoutMs: STOP_MS },
    cluster: { leaseMs: LEASE_MS },
  };
  cluster = await TestCluster.start(cut, names);
});
afterEach(async () => {
  cluster.heal();
  await cluster.finish(names.filter((name) => cluster.node(name).runs)); // of a test that failed
  await cluster.settled();
  expect(await cluster.check()).toEqual([]);
});
afterAll(() => cluster.stop());

test(`a node in a black hole: the others' senders wait no longer than ${SILENT_MS} ms`, async () => {
  const pauses: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const victim = names[round % names.length] ?? "";
    const others = names.filter((name) => name !== victim);
    await cluster.load(names, load);
    await cluster.goesOn(names, 200);
    cluster.blackhole(victim);
    await cluster.goesOn(others, 1_000);
    const told = await cluster.finish(others);
    const healedAt = monotonicMs();
    cluster.heal();
    await cluster.goesOn([victim], 200);
    const itsOwn = await cluster.finish([victim]);
    expect(errorsIn(told)).toEqual({});
    expect(recoveredAfter(itsOwn, healedAt)).toBeLessThan(HEALED_MS);
    pauses.push(longestPause(told));
    await cluster.settled();
  }
  report("black hole", pauses);
  expect(median(pauses)).toBeLessThanOrEqual(SILENT_MS);
});

/** All nodes send, something is cut until the condition holds, and is healed; what the senders of some were told. */
async function cutAndHeal(
  cut: () => void,
  cutLongEnough: () => Promise<void> = () => cluster.goesOn(names, 500),
  of: readonly string[] = names,
): Promise<readonly Told[]> {
  await cluster.load(names, load);
  await cluster.goesOn(names, 200);
  cut();
  await cutLongEnough();
  const healedAt = monotonicMs();
  cluster.heal();
  await cluster.goesOn(names, 500);
  const told = await cluster.finish(of);
  const all = [...told, ...(await cluster.finish(names.filter((name) => !of.includes(name))))];
  console.log(
    `the last slow answer or error came ${recoveredAfter(all, healedAt).toFixed(0)} ms after the heal`,
  );
  expect(recoveredAfter(all, healedAt)).toBeLessThan(HEALED_MS);
  return told;
}

/** Of those that send from there. */
function pausesOver(rule: string, told: readonly Told[]): void {
  expect(errorsIn(told)).toEqual({});
  report(rule, [longestPause(told)]);
  expect(longestPause(told)).toBeLessThan(SILENT_MS);
}

test.each(rules)("two nodes cut off from each other (%s): nobody waits long", async (rule) => {
  pausesOver(rule, await cutAndHeal(() => cluster.cut("a", "b", rule)));
});

test("what one node says to another vanishes, and the other way is open: nobody waits long", async () => {
  pausesOver("one way", await cutAndHeal(() => cluster.cut("a", "b", "swallow", { oneWay: true })));
});

test.each(rules)(
  "a node cut off from Redis (%s): what the others have sent it is handled elsewhere, before its lease has ended",
  async (rule) => {
    const { id } = cluster.node("b");
    const others = ["a", "c"];
    // Without an end to what it has taken, all of the others' senders would wait for it, one after the other.
    const told = await cutAndHeal(
      () => cluster.cutRedis("b", rule),
      async () => {
        await cluster.goesOn(others, 1_500);
        await until("b is gone", async () => !(await cluster.node("a").view()).members.includes(`${id}`));
      },
      others,
    );
    expect(errorsIn(told)).toEqual({});
    report(`no Redis (${rule})`, [longestPause(told)]);
    expect(longestPause(told)).toBeLessThan(rounds(4_500, LEASE_MS));
  },
);

test("no node can reach another, and each takes all for its own: slower, never wrong", async () => {
  const conflicts = async () =>
    (await Promise.all(cluster.nodes.map((node) => node.view()))).map(
      ({ signals }) => signals["conflict"] ?? 0,
    );
  const before = await conflicts();
  const cutAll = () => {
    for (const [from, to] of [
      ["a", "b"],
      ["b", "c"],
      ["a", "c"],
    ] as const)
      cluster.cut(from, to, "reset");
  };
  const told = await cutAndHeal(cutAll, () => cluster.goesOn(names, 1_000));
  expect(errorsIn(told)).toEqual({});
  const after = await conflicts();
  expect(
    after.every((count, i) => count > (before[i] ?? 0) + 10),
    `${before} ${after}`,
  ).toBe(true);
});

test.each(rules)("a node that is cut off from Redis (%s) stops all the same", async (rule) => {
  await cluster.load(["c"], load);
  await cluster.goesOn(["c"], 100);
  cluster.cutRedis("c", rule);
  const from = performance.now();
  const told = await cluster.stopNode("c"); // with its load; a handle that is left open would keep its process
  expect(performance.now() - from).toBeLessThan(STOP_MS + 5_000 + LATE_MS);
  expect(told.length).toBeGreaterThanOrEqual(100);
  cluster.heal();
  await cluster.add("c");
});

test("a node that was frozen for longer than its lease", async () => {
  const node = cluster.node("c");
  const others = ["a", "b"];
  await cluster.load(names, load);
  await cluster.goesOn(names, 200);
  node.freeze();
  await until("c is gone", async () => !(await cluster.node("a").view()).members.includes(`${node.id}`));
  node.thaw();
  await cluster.goesOn(names, 500);
  expect(errorsIn(await cluster.finish(others))).toEqual({});
  // What its own senders had under way when it froze may have come to its deadline.
  await cluster.finish(["c"]);
});

function report(what: string, pauses: readonly number[]): void {
  const all = pauses.map((pause) => pause.toFixed(0)).join(", ");
  console.log(`${what}: longest pause of each round ${all} ms, median ${median(pauses).toFixed(0)} ms`);
}
