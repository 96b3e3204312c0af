// Calls for one partition that are under way at the same time: the second is told of the first one's token before that is
// answered (docs/decisions/0030). What the tests put by hand stands for a Redis that has lost commits, and got others.

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  Client,
  commitOf,
  headAfter,
  look,
  newKey,
  receipt,
  start,
} from "../../src/laws/event-store/client.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import type { OpenBackend } from "../harness/open-backend.ts";
import { TcpProxy } from "../harness/proxy.ts";
import { openRedisBackend } from "../harness/redis-backend.ts";
import { RedisServer } from "../harness/redis-server.ts";

let redis: RedisServer;
let line: TcpProxy;
let backend: OpenBackend;
let client: Client;
let space: KeySpace;

beforeAll(async () => {
  redis = await RedisServer.start();
  line = await TcpProxy.start(redis.port);
  backend = await openRedisBackend(redis.url, line.url);
  client = new Client(await backend.open(), backend);
  await client.append(newKey(), 1);
  const [tip = ""] = await redis.ask((server) => server.keys("*:tip"));
  space = new KeySpace(/^\{([^:]+):/.exec(tip)?.[1] ?? "", backend.partitions);
});

afterAll(async () => {
  await client.store.close();
  await backend.close();
  await line.stop();
  await redis.stop();
});

test.each([1, 2])(
  "calls of %i commits: the second one trusts in nothing where the first met a stranger",
  async (size) => {
    const keys = Array.from({ length: 2 * size }, () => newKey());
    const firsts = keys.map((key) => commitOf(key, start));
    for (const first of firsts) await client.write(first);
    const [victim, head] = [keys.at(-1), firsts.at(-1)];
    if (victim === undefined || head === undefined) throw new Error("there is none");
    const stream = space.stream(victim);
    await redis.ask(async (server) => {
      // Of the same length, and another commit's: only the full comparison sees that.
      const [[, [, text = ""] = []] = []] = await server.xrange(stream, "-", "+");
      await server.del(stream);
      await server.xadd(stream, "1-0", "r", text.replace(head.commitId, "another"));
      await server.set(space.tip(0), "theirs");
    });
    const next = firsts.map((first) => commitOf(first.key, headAfter(first)));
    const results = await Promise.all([client.call(next.slice(0, size)), client.call(next.slice(size))]);
    expect(results.flat().map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: 2 * size - 1 }, () => "committed"),
      "diverged",
    ]);
    expect(await client.history(victim)).toHaveLength(1);
  },
);

test("calls that follow each other without a wait, for one partition, are all written, and quickly", async () => {
  const keys = Array.from({ length: 40 }, () => newKey());
  const heads = await Promise.all(keys.map((key) => client.append(key, 1)));
  const compared = () =>
    redis.ask(async (server) => {
      const stats = /cmdstat_xrevrange:calls=(\d+)/.exec(await server.info("commandstats"));
      return Number(stats?.[1] ?? 0);
    });
  await client.append(newKey(), 1);
  const commits = keys.map((key, i) => commitOf(key, heads[i] ?? start));
  const proved = await Promise.all(keys.map((_, i) => client.call(commits.slice(i, i + 1))));
  expect(proved.flat().map(({ kind }) => kind)).toEqual(keys.map(() => "committed"));
  const before = await compared();
  const more = commits.map((commit) => commitOf(commit.key, headAfter(commit)));
  const results = await Promise.all(keys.map((_, i) => client.call(more.slice(i, i + 1))));
  expect(results.flat().map(({ kind }) => kind)).toEqual(keys.map(() => "committed"));
  expect(await compared()).toBe(before); // none had to read a last record
});

/** A call that meets a stranger, and of which the second try is answered alone. @returns when that ran, epoch ms */
async function lateAnswer(stranger: Client): Promise<number> {
  await stranger.append(newKey(), 1);
  const lost = line.loseReplies();
  const tried = await client.commit(commitOf(newKey(), start));
  await lost;
  if (tried.kind !== "committed") throw new Error(`it was ${tried.kind}`);
  // Else something else had a reply to lose, and it was sent once.
  return tried.already ? tried.at : await lateAnswer(stranger);
}

test("a try that runs behind what others wrote since a later one was answered proves nothing", async () => {
  const other = new Client(await backend.open(), backend);
  const key = newKey();
  const head = await client.append(key, 1);
  const at = await lateAnswer(other);
  const found = await redis.ask((server) => server.get(space.tip(0)));
  const call = /^(.+)\.\d+!$/.exec(found ?? "")?.[1];
  if (call === undefined) throw new Error(`the tip is ${found}`);
  const left = receipt("x", '"x"', { kind: "m" });
  const handled = await other.commit(commitOf(key, head, { records: [], receipts: [left] }));
  expect(handled).toMatchObject({ kind: "committed" });
  await other.store.close();
  // As if the first try had been on its way until now: it finds that its commit is there already, and moves the tip.
  await redis.ask((server) => server.set(space.tip(0), `${call}.1!`));
  const receipts = [{ ...look("x", "m"), notBefore: at }];
  expect(await client.commit(commitOf(key, head, { receipts }))).toMatchObject({ kind: "duplicate" });
});

test("a tip of another type refuses its partition's commits, and is left as it is", async () => {
  const tip = space.tip(0);
  const [here, there] = [newKey(0), newKey(backend.partitions - 1)];
  await redis.ask(async (server) => {
    await server.del(tip);
    await server.rpush(tip, "item");
  });
  expect(await client.commit(commitOf(here, start))).toMatchObject({ kind: "refused" });
  expect(await client.call([commitOf(newKey(0), start), commitOf(newKey(0), start)])).toMatchObject([
    { kind: "refused" },
    { kind: "refused" },
  ]);
  expect(await client.commit(commitOf(there, start))).toMatchObject({ kind: "committed" });
  expect(await redis.ask((server) => server.lrange(tip, 0, -1))).toEqual(["item"]);
  expect(await client.history(here)).toEqual([]);
  await redis.ask((server) => server.del(tip));
  expect(await client.commit(commitOf(here, start))).toMatchObject({ kind: "committed" });
});
