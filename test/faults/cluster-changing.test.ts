// Nodes come and go in an orderly way, under load, and of two versions: no send fails.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { TestCluster } from "../harness/cluster.ts";
import { errorsIn, longestPause } from "../harness/cluster-log.ts";
import type { Told } from "../harness/load.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

const names = ["a", "b", "c"];
const load = {
  ids: Array.from({ length: 300 }, () => newId()),
  senders: 16,
  thinkMs: rounds(10, 2),
  timeoutMs: 5_000,
};
/** A sender of which no node is a part: it is there the whole time. */
const SENDER = "sender";
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ network: "changing" }, names);
  await cluster.add(SENDER, { host: false });
});
afterEach(async () => {
  expect(await cluster.check()).toEqual([]);
});
afterAll(() => cluster.stop());

test("a rolling restart of all nodes, each with senders of its own: no send fails", async () => {
  const told: Told[] = [];
  await cluster.load([SENDER, ...names], load);
  for (let round = 0; round < rounds(1, 5); round++) {
    for (const name of names) {
      await cluster.goesOn([SENDER], 100);
      told.push(...(await cluster.stopNode(name)));
      await cluster.add(name);
      await cluster.load([name], load);
    }
  }
  await cluster.goesOn([SENDER, ...names], 100);
  told.push(...(await cluster.finish([SENDER, ...names])));
  expect(errorsIn(told)).toEqual({});
  console.log(`rolling restart: ${told.length} sends, longest pause ${longestPause(told).toFixed(0)} ms`);
  await cluster.settled();
});

test("a fourth node joins under load: no send fails, and it takes its share", async () => {
  const before = (await cluster.node("a").view()).owners;
  await cluster.load([SENDER, ...names], load);
  await cluster.goesOn([SENDER], 200);
  const fourth = await cluster.add("d");
  await cluster.settled();
  await cluster.goesOn([SENDER], 200);
  const told = await cluster.finish([SENDER, ...names]);
  expect(errorsIn(told)).toEqual({});
  const { owners } = await cluster.node("a").view();
  const moved = owners.filter((owner, partition) => owner !== before[partition]);
  // How many that are is chance, for ids are (test/core/rank tells how they are spread): a quarter, as a rule.
  const its = owners.filter((owner) => owner === fourth.id);
  expect(moved, "what moves, moves to it, and no more than that").toEqual(its);
  console.log(
    `a fourth node: ${moved.length} of 32 moved, longest pause ${longestPause(told).toFixed(0)} ms`,
  );
  await cluster.stopNode("d");
  await cluster.settled();
});

test("two versions: what one node does not host goes to those that do, from all of them", async () => {
  await cluster.stopNode("b");
  await cluster.add("b", { types: ["ledger"] });
  await cluster.settled();
  const sending = [SENDER, ...names];
  for (const type of ["ledger", "purse"]) {
    await cluster.load(sending, { ...load, type, ids: Array.from({ length: 100 }, () => newId()) });
    await cluster.goesOn(sending, 100);
    expect(errorsIn(await cluster.finish(sending))).toEqual({});
  }
});

test("a rolling upgrade to a version with another type: no send fails, and the type is known once a node has it", async () => {
  for (const name of names) await cluster.stopNode(name);
  for (const name of names) await cluster.add(name, { types: ["ledger"] });
  await cluster.settled();
  await until("no node knows the type", async () => {
    const answer = await cluster.node("a").send("purse", newId(), "x:0");
    return answer.kind === "failed" && answer.code === "UNKNOWN_TYPE";
  });
  const told: Told[] = [];
  await cluster.load([SENDER, ...names], load);
  for (const name of names) {
    told.push(...(await cluster.stopNode(name)));
    await cluster.add(name, { types: ["ledger", "purse"] });
    // From the moment that the new node serves: from everywhere, at once.
    const id = newId();
    for (const from of [SENDER, ...names]) {
      expect(await cluster.node(from).send("purse", id, `${from}:0`)).toMatchObject({ kind: "answered" });
    }
    await cluster.load([name], load);
  }
  told.push(...(await cluster.finish([SENDER, ...names])));
  expect(errorsIn(told)).toEqual({});
  await cluster.settled();
});
