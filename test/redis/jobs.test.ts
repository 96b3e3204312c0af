// What of durable effects only Redis can meet: the BullMQ that is installed, keys that are not as BullMQ left them, a log
// that was trimmed or rolled back, rights that are missing.

import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { defineEffect, defineEntity, newId, Pachyderm, tell } from "../../src/index.ts";
import { BullAdds } from "../../src/redis/bull-adds.ts";
import { splitText } from "../../src/redis/bull-text.ts";
import { commitHeader, commitScript, encodeCommits } from "../../src/redis/commit.ts";
import { commitJobsHeader, commitJobsText } from "../../src/redis/commit-jobs.ts";
import { composeCommit } from "../../src/redis/compose.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { Tips } from "../../src/redis/tips.ts";
import { DurableNodes, untilDone } from "../harness/durable-nodes.ts";
import { formsOf, sectionOf, variantsOf } from "../harness/lua-header.ts";
import { until } from "../harness/until.ts";

const nodes = new DurableNodes("jobs");
const adds = await BullAdds.load();

const runs: string[] = [];
let gate: Promise<void> = Promise.resolve();
const mail = defineEffect({
  name: "mail",
  durable: { attempts: 2, backoffMs: 5 },
  async dispatch(payload: string) {
    await gate;
    runs.push(payload);
  },
});
const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle: (message: { type: "up"; mail?: string; to?: string }) => ({
    events: [{ type: "upped" as const }],
    effects: [
      ...(message.mail === undefined ? [] : [mail(message.mail)]),
      ...(message.to === undefined
        ? []
        : [tell({ type: "counter", id: message.to }, { type: "up" }, { delayMs: 2_000 })]),
    ],
  }),
  update: (_event: { type: "upped" }, { count }) => ({ count: count + 1 }),
});
const options = { entities: [counter], effects: [mail], partitions: 1 };

/** Of the one partition of the test's network. */
function prefix(): string {
  return new KeySpace(nodes.network, 1).queuePrefix(0);
}

test("bullmq: jobs are added by these scripts, with these keys; an upgrade that changes them is a decision", () => {
  expect(adds.keys).toEqual([
    { name: "wait", type: "list" },
    { name: "paused", type: "list" },
    { name: "meta", type: "hash" },
    { name: "id", type: "string" },
    { name: "completed", type: "zset" },
    { name: "delayed", type: "zset" },
    { name: "active", type: "list" },
    { name: "events", type: "stream" },
    { name: "marker", type: "zset" },
  ]);
  expect(adds.ways.map(({ way, order }) => [way, order])).toEqual([
    ["now", [0, 1, 2, 3, 4, 5, 6, 7, 8]],
    ["later", [8, 2, 3, 5, 4, 7]],
  ]);
  for (const { lua } of adds.ways) {
    // Where these scripts write, and with what: a new word here may be a new way to fail after the first write.
    const commands = [...lua.matchAll(/r?call\(\s*["']([A-Z]+)["']/g)].map(([, command]) => command);
    const known = [
      "DEL",
      "EXISTS",
      "GET",
      "HGET",
      "HMGET",
      "HMSET",
      "HSET",
      "INCR",
      "LLEN",
      "LPOS",
      "LRANGE",
      "PERSIST",
      "PTTL",
      "RPUSH",
      "SADD",
      "SCARD",
      "SET",
      "XADD",
      "ZADD",
      "ZRANGE",
      "ZREM",
      "ZREVRANGEBYSCORE",
      "ZSCORE",
    ];
    expect([...new Set(commands)].filter((command) => !known.includes(command ?? "")).toSorted()).toEqual([]);
    expect((lua.match(/^local /gm) ?? []).length).toBeLessThan(150);
    // Options are read once for many jobs, so none of these scripts may alter them.
    expect(lua).not.toMatch(/\b(?:opts|fullOpts|deduplicationOpts)\s*(?:\[[^\]]*\]|\.\w+)\s*=[^=]/);
    // Its functions are made once for many jobs. For another text look first whether they use what is not theirs.
    const { defines, does } = splitText(lua);
    const count = (text: string) => (text.match(/^local function /gm) ?? []).length;
    expect([count(defines), count(does)]).toEqual([count(lua), 0]);
    expect(splitText(`${lua}-- new`)).toEqual({ defines: "", does: `${lua}-- new` });
  }
});

test("bullmq: what it makes of a job is what its own Queue would have sent", async () => {
  const server = await nodes.redis();
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  const queue = new Queue("effects", { connection, prefix: "{twin}" });
  const data = { text: "päckchen 🐘", list: [], n: 1.5 };
  await queue.add("mail", data, {
    jobId: "c-0",
    attempts: 3,
    backoff: { type: "exponential", delay: 7 },
    removeOnComplete: true,
    removeOnFail: false,
    stackTraceLimit: 0,
    timestamp: 1_764_000_000_000,
  });
  const own = await connection.hgetall("{twin}:effects:c-0");
  await queue.close();
  const node = await nodes.start("redis", options);
  const job = {
    id: "c-0",
    name: "mail",
    data: JSON.stringify(data),
    attempts: 3,
    backoffMs: 7,
    delayMs: 0,
    at: 1_764_000_000_000,
  };
  const space = new KeySpace("twin", 1, ["of-it"]);
  const commit = {
    key: { id: newId(), partition: 0 },
    type: "t",
    commitId: "c",
    expected: { version: 0, commitId: "" },
    records: [{ messageId: "m", event: '{"type":"e"}', reply: "" }],
    receipts: [],
    snapshot: null,
    jobs: [job],
  };
  const call = encodeCommits({ space, withLog: false, tips: new Tips(), trusting: true, encoder: adds }, [
    commit,
  ]);
  // Its Queue also writes down what it was told of the id and the time, which stand in the job anyhow.
  const { jobId: _, timestamp: __, ...opts } = JSON.parse(own["opts"] ?? "");
  // The second text is unknown, as an upgrade's would be: it is left whole.
  const changed = adds.ways.map((way) => ({ ...way, lua: `${way.lua}-- new` }));
  for (const ways of [adds.ways, changed]) {
    const script = composeCommit(commitScript, { keys: adds.keys, ways });
    await script.run(connection, call.keys, ["call", "token", ...call.args]);
    const ours = await connection.hgetall("{twin:of-it}:effects:c-0");
    expect({ ...ours, opts: JSON.parse(ours["opts"] ?? "") }).toEqual({ ...own, opts });
    await connection.del(...call.keys);
  }
  connection.disconnect();
  await node.stop();
});

test("commit-jobs.lua: the header names what the binding names", () => {
  const script = { text: `#!lua\n${commitJobsText}` };
  const { job } = variantsOf(sectionOf(script, "ARGV"), "job");
  expect(job).toEqual(commitJobsHeader.job);
  expect(formsOf(sectionOf(script, "ARGV"))["sort"]).toEqual(commitJobsHeader.sort);
  expect(commitHeader.extras.job).toEqual(commitJobsHeader.job);
  expect(Object.keys(formsOf(sectionOf(script, "KEYS")))).toEqual(["job", ""]);
});

test("the common commit script has nothing of BullMQ's in it", () => {
  const composed = composeCommit(commitScript, adds).text;
  expect(composed.length - commitScript.text.length).toBeGreaterThan(50_000);
});

const poisons: readonly [string, (redis: Redis, key: (name: string) => string) => Promise<unknown>][] = [
  ...(["wait", "paused", "active", "completed", "delayed", "events", "marker", "meta"] as const).map(
    (name) =>
      [
        `${name} is a text`,
        (redis: Redis, key: (of: string) => string) => redis.set(key(name), "poison"),
      ] as [string, (redis: Redis, key: (of: string) => string) => Promise<unknown>],
  ),
  ["id is a list", (redis, key) => redis.lpush(key("id"), "poison")],
  ["id is no number", (redis, key) => redis.set(key("id"), "poison")],
  ["meta holds no number", (redis, key) => redis.hset(key("meta"), "opts.maxLenEvents", "many")],
  ["meta holds no concurrency", (redis, key) => redis.hset(key("meta"), "concurrency", "few")],
];

test.each(poisons)(
  "a key of BullMQ's that is not as it left it refuses the commit whole: %s",
  async (_, poison) => {
    const node = await nodes.start("redis", options);
    const server = await nodes.redis();
    const reference = counter.ref(newId());
    await node.send(reference, { type: "up" });
    await server.ask(async (redis) => {
      await poison(redis, (name) => `${prefix()}:effects:${name}`);
      // But for what a worker of BullMQ's writes in its own time.
      const keys = async () =>
        (await redis.keys(`${prefix()}:*`)).filter((key) => !key.endsWith(":stalled-check")).toSorted();
      const before = await keys();
      const sending = node.send(reference, { type: "up", mail: "lost", to: reference.id });
      await expect(sending).rejects.toMatchObject({
        outcome: "not-committed",
        message: expect.stringContaining("the job cannot be added"),
      });
      expect(await keys()).toEqual(before);
    });
    // One that has nothing to do with the queue is not concerned.
    await node.send(reference, { type: "up" });
    expect((await node.get(reference)).version).toBe(2);
    expect(runs).not.toContain("lost");
  },
);

test("an effect whose event was trimmed meanwhile still runs, even where nothing is left of the stream", async () => {
  const server = await nodes.redis();
  const space = new KeySpace(nodes.network, 1);
  for (const keep of [1, 0]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const node = await nodes.start("redis", options);
    const reference = counter.ref(newId());
    const blocker = counter.ref(newId());
    await node.send(blocker, { type: "up", mail: "blocker" });
    await node.stop(); // nobody works on the queue
    const idle = await nodes.start("redis", { ...options, partitions: 1 });
    await idle.send(reference, { type: "up", mail: `trimmed ${keep}` });
    for (let i = 0; i < 3; i++) await idle.send(reference, { type: "up" });
    await server.ask((redis) =>
      redis.xtrim(space.stream({ id: reference.id, partition: 0 }), "MAXLEN", keep),
    );
    resolve();
    await untilDone(idle);
    expect(runs).toContain(`trimmed ${keep}`);
    expect((await idle.effects.counts()).dropped).toBe(0);
  }
}, 30_000);

test("an effect whose commit was rolled back does not run, and is counted", async () => {
  const server = await nodes.redis();
  const space = new KeySpace(nodes.network, 1);
  const reference = counter.ref(newId());
  const stream = space.stream({ id: reference.id, partition: 0 });
  const idle = await Pachyderm.start({ ...options, redis: server.url, network: nodes.network });
  await idle.send(reference, { type: "up" });
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  await idle.send(reference, { type: "up", mail: "rolled back", to: reference.id });
  // The log alone loses the commit, which a Redis never does by itself; so the job is seen without it.
  await server.ask(async (redis) => {
    const [[id, fields] = ["", []]] = await redis.xrange(stream, "1-0", "1-0");
    await redis
      .multi()
      .del(stream)
      .xadd(stream, id, ...fields)
      .exec();
  });
  resolve();
  // What was let through before the log lost it may have run; the tell was still to wait.
  await until("the tell is dropped", async () => (await idle.effects.counts()).dropped === 1);
  await untilDone(idle);
  await idle.stop();
  const node = await nodes.start("redis", options);
  expect((await node.get(reference)).version).toBe(1);
});

test("start says what is missing where durable effects cannot work, and other nodes are not concerned", async () => {
  const server = await nodes.redis();
  await server.ask((redis) =>
    redis.call("ACL", "SETUSER", "narrow", "on", ">secret", "allkeys", "&*", "+@all", "-incr"),
  );
  const redis = server.url.replace("redis://", "redis://narrow:secret@");
  const starting = Pachyderm.start({ ...options, redis, network: nodes.network });
  await expect(starting).rejects.toMatchObject({
    code: "UNSUPPORTED_REDIS",
    message: expect.stringMatching(/durable effects.*(NOPERM|can't run this command)/is),
  });
  const plain = await Pachyderm.start({ redis, network: nodes.network, partitions: 1 });
  await plain.stop();
  expect(await server.ask((client) => client.keys(`{${nodes.network}:trial}*`))).toEqual([]);
});
