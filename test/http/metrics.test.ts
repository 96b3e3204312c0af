// The metrics: what is counted moves, by what happened and no more.

import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { partitionOf } from "../../src/core/partition.ts";
import { Metrics } from "../../src/http/index.ts";
import { newId } from "../../src/index.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { box, HttpNode } from "../harness/http-node.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";
import { until } from "../harness/until.ts";

let redis: SomeRedis;
let node: HttpNode;

beforeAll(async () => {
  redis = await someRedis();
  node = await HttpNode.start(redis.url);
});
afterAll(async () => {
  await node.stop();
  await redis.stop();
});

/** The value of a series, as it is written; null where there is none. */
function valueIn(text: string, series: string): number | null {
  const line = text.split("\n").find((one) => one.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
}

test("every call of the port is counted, under its own name", async () => {
  const metrics = new Metrics();
  metrics.ended("send", null);
  metrics.ended("send", null);
  metrics.ended("send", "REJECTED");
  metrics.ended("get", "DEADLINE_EXCEEDED");
  metrics.called(3, 20);
  metrics.called(40, 1);
  metrics.batched(5);
  metrics.conflicted();
  metrics.diverged();
  metrics.diverged();
  for (let i = 0; i < 3; i++) metrics.forwarded();
  for (let i = 0; i < 4; i++) metrics.handledForAnother();
  metrics.watch(() => ({ resident: 7, waiting: 8, partitions: 9, followers: 0, logReaders: 0 }));
  const text = await metrics.text();
  const told = Object.fromEntries(
    [
      'pachyderm_ended_total{kind="send",code="ok"}',
      'pachyderm_ended_total{kind="send",code="REJECTED"}',
      'pachyderm_ended_total{kind="get",code="DEADLINE_EXCEEDED"}',
      "pachyderm_commit_call_seconds_sum",
      'pachyderm_commit_call_seconds_bucket{le="0.0025"}',
      'pachyderm_commit_call_seconds_bucket{le="0.005"}',
      "pachyderm_commit_call_commits_sum",
      "pachyderm_commit_call_commits_count",
      "pachyderm_commit_messages_sum",
      "pachyderm_conflicts_total",
      "pachyderm_divergences_total",
      "pachyderm_forwarded_total",
      "pachyderm_handled_for_another_total",
      "pachyderm_resident_entities",
      "pachyderm_mailbox_messages",
      "pachyderm_partitions_owned",
    ].map((series) => [series.replace(/^pachyderm_/, ""), valueIn(text, series)]),
  );
  expect(told).toEqual({
    'ended_total{kind="send",code="ok"}': 2,
    'ended_total{kind="send",code="REJECTED"}': 1,
    'ended_total{kind="get",code="DEADLINE_EXCEEDED"}': 1,
    commit_call_seconds_sum: expect.closeTo(0.043),
    'commit_call_seconds_bucket{le="0.0025"}': 0,
    'commit_call_seconds_bucket{le="0.005"}': 1,
    commit_call_commits_sum: 21,
    commit_call_commits_count: 2,
    commit_messages_sum: 5,
    conflicts_total: 1,
    divergences_total: 2,
    forwarded_total: 3,
    handled_for_another_total: 4,
    resident_entities: 7,
    mailbox_messages: 8,
    partitions_owned: 9,
  });
});

test("two nodes of one process do not mix", async () => {
  const [one, two] = [new Metrics(), new Metrics()];
  one.conflicted();
  expect(valueIn(await one.text(), "pachyderm_conflicts_total")).toBe(1);
  expect(valueIn(await two.text(), "pachyderm_conflicts_total")).toBe(0);
});

test("at /metrics: requests by route and status, what is in the node, and the process", async () => {
  const before = (await node.get("/metrics")).text;
  const ids = Array.from({ length: 3 }, () => newId());
  for (const id of ids) await node.post(`/entities/box/${id}`, { type: "add" });
  await node.post(`/entities/box/${ids[0]}`, { type: "reject" });
  await node.get("/nowhere");
  const posts = (status: number) =>
    `pachyderm_http_requests_total{method="POST",route="/entities/:type/:id",status="${status}"}`;
  const grown = async (series: string) =>
    (valueIn((await node.get("/metrics")).text, series) ?? 0) - (valueIn(before, series) ?? 0);
  await until("the last request is counted", async () => {
    const none = 'pachyderm_http_requests_total{method="GET",route="none",status="404"}';
    return (await grown(none)) === 1;
  });
  expect(await grown(posts(200))).toBe(3);
  expect(await grown(posts(422))).toBe(1);
  const { text, headers } = await node.get("/metrics");
  expect(headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(valueIn(text, "pachyderm_resident_entities")).toBe(node.pachyderm.gauges().resident);
  expect(valueIn(text, "pachyderm_resident_entities")).toBeGreaterThanOrEqual(3);
  expect(valueIn(text, "pachyderm_partitions_owned")).toBe(32);
  expect(valueIn(text, "process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  expect(text).not.toContain(String(ids[0]));
});

test("a node that is not measured answers at /metrics all the same", async () => {
  const plain = await HttpNode.start(redis.url, { start: { entities: [box] } });
  expect((await plain.get("/metrics")).text).toContain("pachyderm_resident_entities 0");
  await plain.stop();
});

/** What a node tells of itself at the moment. */
async function metricOf(of: HttpNode, series: string): Promise<number> {
  return valueIn((await of.get("/metrics")).text, `pachyderm_${series}`) ?? Number.NaN;
}

test("nodes of a cluster count what they do, and what they do for each other", async () => {
  const cluster = { port: 0, secret: "a-secret-of-nodes" };
  const start = { network: `metrics-${newId().slice(-12)}`, cluster };
  const nodes = [
    await HttpNode.start(redis.url, { start }),
    await HttpNode.start(redis.url, { start }),
  ] as const;
  const [asked, other] = nodes;
  const both = (series: string): Promise<readonly number[]> =>
    Promise.all(nodes.map((each) => metricOf(each, series)));
  const sum = async (series: string): Promise<number> => (await both(series)).reduce((a, b) => a + b);
  try {
    await until("each owns partitions, and none is left", async () => {
      const owned = await both("partitions_owned");
      return owned.every((count) => count > 0) && owned.reduce((a, b) => a + b) === 32;
    });
    let sent = 0;
    await until("the other one has handled some of what this one is sent", async () => {
      const { status } = await asked.post(`/entities/box/${newId()}`, { type: "add" });
      expect(status).toBe(200);
      sent += 1;
      return (await metricOf(other, "handled_for_another_total")) > 0;
    });
    // Whatever is handled for another was forwarded there, as often as it took; and only one of them was sent anything.
    expect(await metricOf(asked, "forwarded_total")).toBeGreaterThanOrEqual(
      await metricOf(other, "handled_for_another_total"),
    );
    expect(await metricOf(asked, "handled_for_another_total")).toBe(0);
    expect(await metricOf(other, "forwarded_total")).toBe(0);
    expect(await metricOf(asked, 'ended_total{kind="send",code="ok"}')).toBe(sent);
    expect(await sum("commit_messages_sum")).toBeGreaterThanOrEqual(sent);
    expect(await sum("commit_call_commits_sum")).toBeGreaterThanOrEqual(sent);
    expect(await sum("commit_call_seconds_sum")).toBeGreaterThan(0);
  } finally {
    await Promise.all(nodes.map((each) => each.stop()));
  }
});

test("a conflict is counted where it was lost, a divergence where memory was not the log", async () => {
  const start = { network: `metrics-${newId().slice(-12)}` };
  const [one, two] = [await HttpNode.start(redis.url, { start }), await HttpNode.start(redis.url, { start })];
  const client = new Redis(redis.url);
  const id = newId();
  const add = async (to: HttpNode): Promise<unknown> =>
    (await to.post(`/entities/box/${id}`, { type: "add" })).body?.["version"];
  try {
    expect([await add(one), await add(two), await add(one)]).toEqual([1, 2, 3]);
    expect([await metricOf(one, "conflicts_total"), await metricOf(two, "conflicts_total")]).toEqual([1, 0]);
    const keys = new KeySpace(start.network, 32);
    const partition = partitionOf(id, 32);
    await client.del(keys.stream({ id, partition }), keys.tip(partition)); // as if Redis had never had them
    expect(await add(one)).toBe(1);
    expect([await metricOf(one, "divergences_total"), await metricOf(two, "divergences_total")]).toEqual([
      1, 0,
    ]);
  } finally {
    client.disconnect();
    await Promise.all([one.stop(), two.stop()]);
  }
});
