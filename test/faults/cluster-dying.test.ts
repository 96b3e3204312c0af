// A node dies, or freezes, under load: the senders on the others notice a pause, and nothing else. One of them sends to
// entities with views, whose rows and indexes are in the end what a replay of the log makes.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { TestCluster } from "../harness/cluster.ts";
import { errorsIn, longestPause, median } from "../harness/cluster-log.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

const names = ["a", "b", "c"];
const ROUNDS = rounds(1, 10);
/** 64 senders in all, on the two nodes that live. */
const someIds = () => Array.from({ length: 300 }, () => newId());
const types = { ledger: someIds(), shelf: someIds() };
const load = {
  senders: 32,
  thinkMs: rounds(10, 0),
  timeoutMs: 5_000,
};
/**
 * Milliseconds, of the median. The long run has the machine for itself; the everyday run may not, and asks only for what
 * no lease allows: a pause that is shorter than the 5 seconds for which a dead node's lease still holds.
 */
const KILLED_MS = rounds(4_500, 150);
const FROZEN_MS = rounds(4_500, 1_000);
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ network: "dying", types: Object.keys(types) }, names);
});
afterEach(async () => {
  expect(await cluster.check()).toEqual([]);
});
afterAll(() => cluster.stop());

/** The longest pause of any sender on the other nodes, while something befalls one. */
async function pauseOver(victim: string, act: (others: readonly string[]) => Promise<void>): Promise<number> {
  const others = names.filter((name) => name !== victim);
  for (const [i, [type, ids]] of Object.entries(types).entries())
    await cluster.load(others.slice(i, i + 1), { ...load, type, ids });
  await cluster.goesOn(others, 500);
  await act(others);
  await cluster.goesOn(others, 500);
  const told = await cluster.finish(others);
  expect(errorsIn(told)).toEqual({});
  return longestPause(told);
}

test(`a killed node: no sender sees an error, and none waits longer than ${KILLED_MS} ms`, async () => {
  const pauses: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const victim = names[round % names.length] ?? "";
    pauses.push(await pauseOver(victim, () => cluster.kill(victim)));
    await cluster.add(victim);
    await cluster.settled();
  }
  report("killed", pauses);
  expect(median(pauses)).toBeLessThanOrEqual(KILLED_MS);
});

test(`a frozen node: none waits longer than ${FROZEN_MS} ms, and its late work changes nothing`, async () => {
  const pauses: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const victim = names[round % names.length] ?? "";
    const node = cluster.node(victim);
    pauses.push(
      await pauseOver(victim, async (others) => {
        node.freeze();
        await cluster.goesOn(others, 500);
        node.thaw();
      }),
    );
    await until("it has done its late work", async () => (await node.view()).waiting === 0);
    await cluster.settled();
  }
  report("frozen", pauses);
  expect(median(pauses)).toBeLessThanOrEqual(FROZEN_MS);
});

function report(what: string, pauses: readonly number[]): void {
  const all = pauses.map((pause) => pause.toFixed(0)).join(", ");
  console.log(`${what}: longest pause of each round ${all} ms, median ${median(pauses).toFixed(0)} ms`);
}
