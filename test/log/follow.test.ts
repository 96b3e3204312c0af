// Following one entity: past and live, from any node, by many at once, and how it ends.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { defineEntity, type Follow, newId, Pachyderm, type StartOptions } from "../../src/index.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle: ({ times = 1 }: { type: "add"; times?: number }) =>
    Array.from({ length: times }, (_, n) => ({ type: "added" as const, n })),
  update: (_event: { type: "added"; n: number }, { count }) => ({ count: count + 1 }),
});

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

let made = 0;
const started: Pachyderm[] = [];
async function start(options: StartOptions): Promise<Pachyderm> {
  const node = await Pachyderm.start({ entities: [counter], partitions: 4, ...options });
  started.push(node);
  return node;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

const add = (node: Pachyderm, id: string, times = 1) => node.send(counter.ref(id), { type: "add", times });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** So many of what comes, by their versions. */
async function take(follow: Follow<{ readonly version: number }>, count: number): Promise<readonly number[]> {
  const versions: number[] = [];
  while (versions.length < count) {
    const { value } = await follow.next();
    if (value === undefined) break;
    versions.push(value.version);
  }
  return versions;
}

const codeOf = (follow: Follow): Promise<unknown> =>
  follow.next().then(
    () => "no error",
    ({ code }) => code,
  );

describe.each([
  ["embedded", (): StartOptions => ({})],
  ["redis", (): StartOptions => ({ redis: server.url, network: `follow-${made++}` })],
])("%s", (_, options) => {
  test("past events, then those to come; a break ends it", async () => {
    const node = await start(options());
    const id = newId();
    await add(node, id, 300);
    const seen: number[] = [];
    for await (const { version, event } of node.follow(counter.ref(id))) {
      seen.push(version);
      expect(event.type).toBe("added");
      if (version === 300) void add(node, id, 2);
      if (version === 302) break;
    }
    expect(seen).toEqual(range(1, 302));
  });

  test("from a version, from a cursor, and from one that is not there yet", async () => {
    const node = await start(options());
    const id = newId();
    const { cursor } = await add(node, id, 5);
    await add(node, id, 5);
    expect(await take(node.follow(counter.ref(id), { from: 4 }), 3)).toEqual([4, 5, 6]);
    expect(await take(node.follow(counter.ref(id), { from: cursor }), 2)).toEqual([6, 7]);
    const later = node.follow(counter.ref(id), { from: 13 });
    await later.open();
    await add(node, id, 5);
    expect(await take(later, 3)).toEqual([13, 14, 15]);
    const none = newId();
    const first = node.follow(counter.ref(none));
    await first.open();
    await add(node, none);
    expect(await take(first, 1)).toEqual([1]);
  });

  test("a cursor that does not fit is refused, at once or when the past is looked at", async () => {
    const node = await start(options());
    const [id, other] = [newId(), newId()];
    const { cursor } = await add(node, id, 3);
    const refused = (from: string, of = id) => {
      try {
        return node.follow(counter.ref(of), { from });
      } catch (thrown) {
        return (thrown as { code: string }).code;
      }
    };
    expect(refused(cursor, other)).toBe("INVALID_CURSOR");
    expect(refused("p1.nothing")).toBe("INVALID_CURSOR");
    expect(refused(cursor.replace(/^p1\.[^.]+/, "p1.another"))).toBe("INVALID_CURSOR");
    expect(await codeOf(node.follow(counter.ref(id), { from: `${cursor}x` }))).toBe("LOG_DIVERGED");
    const ahead = cursor.replace(".3.", ".9.");
    expect(await codeOf(node.follow(counter.ref(id), { from: ahead }))).toBe("LOG_DIVERGED");
    expect(() => node.follow({ type: "unheard", id })).toThrow(
      expect.objectContaining({ code: "UNKNOWN_TYPE" }),
    );
    expect(() => node.follow(counter.ref(id), { from: 0 })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTIONS" }),
    );
  });

  test("an AbortSignal, `return` and stop end it while it waits, without an error", async () => {
    const node = await start(options());
    const aborter = new AbortController();
    const follows = [
      node.follow(counter.ref(newId()), { signal: aborter.signal }),
      node.follow(counter.ref(newId())),
      node.follow(counter.ref(newId())),
    ] as const;
    const waiting = follows.map((follow) => follow.next());
    await Promise.all(follows.map((follow) => follow.open()));
    aborter.abort();
    expect(await waiting[0]).toEqual({ done: true, value: undefined });
    await follows[1].return();
    expect(await waiting[1]).toEqual({ done: true, value: undefined });
    await node.stop();
    expect(await waiting[2]).toEqual({ done: true, value: undefined });
    expect(() => node.follow(counter.ref(newId()))).toThrow(
      expect.objectContaining({ code: "NODE_STOPPING" }),
    );
    const early = AbortSignal.abort();
    const again = await start(options());
    expect(await take(again.follow(counter.ref(newId()), { signal: early }), 1)).toEqual([]);
  });

  test("a destroyed entity ends it with DESTROYED", async () => {
    const node = await start(options());
    const id = newId();
    await add(node, id, 3);
    const live = node.follow(counter.ref(id));
    expect(await take(live, 3)).toEqual([1, 2, 3]);
    const end = codeOf(live);
    await node.destroy(counter.ref(id));
    expect(await end).toBe("DESTROYED");
    expect(await codeOf(node.follow(counter.ref(id)))).toBe("DESTROYED");
  });

  test("a slow follower loses nothing: it reads again what its queue could not hold", async () => {
    const node = await start(options());
    const id = newId();
    const follow = node.follow(counter.ref(id));
    await follow.open();
    for (let i = 0; i < 20; i++) await add(node, id, 100);
    expect(await take(follow, 2_000)).toEqual(range(1, 2_000));
    await add(node, id, 1);
    expect(await take(follow, 1)).toEqual([2_001]);
  });

  test("10,000 followers of 1,000 entities: a reader for each partition, and each sees all", async () => {
    const node = await start(options());
    const ids = Array.from({ length: 1_000 }, () => newId());
    await Promise.all(ids.map((id) => add(node, id)));
    const follows = Array.from({ length: 10_000 }, (_, i) => node.follow(counter.ref(ids[i % 1_000] ?? "")));
    const firsts = await Promise.all(follows.map((follow) => take(follow, 1)));
    expect(new Set(firsts.map(([version]) => version))).toEqual(new Set([1]));
    expect(node.gauges()).toMatchObject({ followers: 10_000, logReaders: 4 });
    const more = Promise.all(follows.map((follow) => take(follow, 2)));
    await Promise.all(ids.map((id) => add(node, id, 2)));
    for (const versions of await more) expect(versions).toEqual([2, 3]);
    await Promise.all(follows.map((follow) => follow.return()));
    expect(node.gauges()).toMatchObject({ followers: 0, logReaders: 0 });
  });
});

test("from another node, of a type that it does not define", async () => {
  const options = { redis: server.url, network: `follow-${made++}` };
  const node = await start(options);
  const id = newId();
  await add(node, id, 2);
  const other = await start({ ...options });
  const follow = other.follow(counter.ref(id));
  expect(await take(follow, 2)).toEqual([1, 2]);
  const live = take(follow, 2);
  await add(node, id, 2);
  expect(await live).toEqual([3, 4]);
});

test("what retention took away is told", async () => {
  const network = `follow-${made++}`;
  const node = await start({ redis: server.url, network, partitions: 1 });
  const id = newId();
  await add(node, id, 10);
  await server.ask((redis) => redis.xtrim(`{${network}:0}:e:${id}`, "MINID", "6-0"));
  const gaps: unknown[] = [];
  const follow = node.follow(counter.ref(id), { from: 3, onTruncated: (gap) => gaps.push(gap) });
  expect(await take(follow, 5)).toEqual(range(6, 10));
  expect(gaps).toEqual([{ from: 3, to: 5 }]);
});

test("a restart of Redis in the middle is not seen", async () => {
  const node = await start({ redis: server.url, network: `follow-${made++}` });
  const id = newId();
  await add(node, id, 2);
  const follow = node.follow(counter.ref(id));
  expect(await take(follow, 2)).toEqual([1, 2]);
  const live = take(follow, 3);
  await server.restart();
  await add(node, id, 3);
  expect(await live).toEqual([3, 4, 5]);
  await until("nothing is left over", () => node.gauges().waiting === 0);
});
