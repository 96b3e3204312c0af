// Senders that are no nodes, or not well: what they are told is true, and what they ask of Redis is nothing.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { TestCluster } from "../harness/cluster.ts";
import { errorsIn } from "../harness/cluster-log.ts";
import { monotonicMs } from "../harness/load.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

const names = ["a", "b", "c"];
const SENDER = "sender";
const load = { ids: Array.from({ length: 100 }, () => newId()), senders: 16, thinkMs: 10, timeoutMs: 5_000 };
const MINUTE = 60_000;
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ network: "sender", cuttable: true }, []);
  // Wall clocks that no two nodes agree on: nothing goes by them.
  await cluster.add("a", { clockOffMs: MINUTE });
  await cluster.add("b", { clockOffMs: -MINUTE });
  await cluster.add("c");
  await cluster.add(SENDER, { host: false, clockOffMs: 10 * MINUTE });
  await cluster.settled();
});
afterEach(async () => {
  expect(await cluster.check()).toEqual([]);
});
afterAll(() => cluster.stop());

test("clocks that are wrong by minutes, an owner that dies and one that freezes: no send fails, nothing is handled twice", async () => {
  const living = [SENDER, "a", "b"];
  await cluster.load(living, load);
  await cluster.goesOn(living, 100);
  cluster.node("a").freeze();
  await cluster.goesOn([SENDER], rounds(100, 1_000));
  cluster.node("a").thaw();
  await cluster.kill("c");
  await cluster.goesOn(living, rounds(100, 1_000));
  const told = [...(await cluster.finish([SENDER, "b"])), ...(await cluster.finish(["a"]))];
  expect(errorsIn(told)).toEqual({});
  await cluster.add("c");
  await cluster.settled();
});

test("where an entity is costs no call to Redis, asked or sent to", async () => {
  const sender = cluster.node(SENDER);
  const ids = Array.from({ length: 300 }, () => newId());
  const before = cluster.redisBytes(SENDER);
  const began = performance.now();
  for (const id of ids) expect(await sender.send("ledger", id, "x:0")).toMatchObject({ kind: "answered" });
  for (const id of ids) expect(await sender.locate(id, 100)).not.toBeNull();
  // Meanwhile it looks who is there, and says a few words each second. A call for each message would be a hundred bytes each.
  const looking = ((performance.now() - began) / 1_000) * 500;
  expect(cluster.redisBytes(SENDER) - before).toBeLessThan(ids.length * 10 + looking);
});

test("a sender freezes for longer than its deadlines: what it is told when it thaws is true", async () => {
  const timeoutMs = 500;
  await cluster.load([SENDER], { ...load, timeoutMs });
  await cluster.goesOn([SENDER], 100);
  const frozenAt = monotonicMs();
  cluster.node(SENDER).freeze();
  await until("its deadlines have passed", () => monotonicMs() > frozenAt + 2 * timeoutMs);
  const thawedAt = monotonicMs();
  cluster.node(SENDER).thaw();
  await cluster.goesOn([SENDER], 100);
  const told = await cluster.finish([SENDER]);
  // All that it says is held against the log (`check`). Of what was on its way when it froze nobody can say what became.
  for (const { op, error, from, to } of told) {
    if (error === undefined) continue;
    expect(error).toMatch(/^(DEADLINE_EXCEEDED|NO_OWNER) /);
    if (op !== null && from < frozenAt && to > thawedAt) expect(error).toMatch(/^\w+ unknown/);
  }
});

test("no node answers: NO_OWNER, when the deadline has come, and unknown if one was asked; a node comes: it is served", async () => {
  const sender = cluster.node(SENDER);
  const [first, second] = [newId(), newId()];
  await cluster.load([SENDER], { ...load, ids: [first], senders: 1, timeoutMs: 1_000 });
  await cluster.goesOn([SENDER], 10);
  for (const name of names) cluster.node(name).freeze();
  const asked = await sender.send("ledger", second, "asked:0", 3_000);
  expect(asked).toMatchObject({ kind: "failed", code: "NO_OWNER", outcome: "unknown" });
  const told = await cluster.finish([SENDER]);
  const failed = told.filter(({ error }) => error !== undefined);
  expect(failed.length).toBeGreaterThan(0);
  for (const { error, from, to } of failed) {
    expect(error).toMatch(/^(NO_OWNER|DEADLINE_EXCEEDED) (unknown|not-committed)/);
    expect(to - from).toBeGreaterThan(950);
  }
  for (const name of names) await cluster.kill(name);
  const unasked = await sender.send("ledger", newId(), "unasked:0", 500);
  expect(unasked).toMatchObject({ kind: "failed", code: "NO_OWNER", outcome: "not-committed" });
  expect(unasked.tookMs).toBeGreaterThan(490);
  const waits = sender.send("ledger", newId(), "waits:0", 10_000);
  await cluster.add("a");
  expect(await waits).toMatchObject({ kind: "answered", handledVersion: 1 });
});
