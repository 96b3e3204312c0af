// Calls for one partition that are under way at the same time: the second is told of the first one's token before that is
// answered (docs/decisions/0030). What the tests put by hand stands for a Redis that has lost commits, and got others.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, commitOf, headAfter, newKey, start } from "../../src/laws/event-store/client.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import type { OpenBackend } from "../harness/open-backend.ts";
import { openRedisBackend } from "../harness/redis-backend.ts";
import { RedisServer } from "../harness/redis-server.ts";

let redis: RedisServer;
let backend: OpenBackend;
let client: Client;
let space: KeySpace;

beforeAll(async () => {
  redis = await RedisServer.start();
  backend = await openRedisBackend(redis.url, redis.url);
  client = new Client(await backend.open(), backend);
  await client.append(newKey(), 1);
  const [tip = ""] = await redis.ask((server) => server.keys("*:tip"));
  space = new KeySpace(/^\{([^:]+):/.exec(tip)?.[1] ?? "", backend.partitions);
});

afterAll(async () => {
  await client.store.close();
  await backend.close();
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
