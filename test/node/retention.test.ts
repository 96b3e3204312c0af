// retention: history goes behind a snapshot, when nobody needs it any more; what an entity is, it stays.

import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, type PachydermError } from "../../src/index.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { isLong, rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

const spec = {
  type: "keeper",
  snapshot: { every: 50 },
  retention: { keepEvents: 100 },
  init: () => ({ sum: 0 }),
  handle: ({ by = 1 }: { type: "add"; by?: number }) => [{ type: "added" as const, by }],
  update: ({ by }: { type: "added"; by: number }, { sum }: { readonly sum: number }) => ({ sum: sum + by }),
};
const keeper = defineEntity(spec);

let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis(server.url);
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

/** What attempts look back for is short here, so that there is something to see. */
const start = (options = {}) =>
  Pachyderm.start({
    entities: [keeper],
    redis: server.url,
    network: `keep-${randomBytes(6).toString("hex")}`,
    lookbackMs: 2_000,
    timeoutMs: 2_000,
    ...options,
  });

const collectGarbage = (): void => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
};

async function streamOf(id: string): Promise<string> {
  const [stream = ""] = await client.keys(`*e:${id}`);
  return stream;
}

test("of many events the last ones are kept, the state is whole, for a node that comes later too", async () => {
  const network = `keep-${randomBytes(6).toString("hex")}`;
  await using node = await start({ network, timeoutMs: 10_000, lookbackMs: 10_000 });
  const id = newId();
  const count = rounds(2_000, 10_000);
  for (let i = 0; i < count; i += 500)
    await Promise.all(Array.from({ length: 500 }, () => node.send(keeper.ref(id), { type: "add" })));
  const young = await client.xlen(await streamOf(id));
  expect(young, "attempts may still look back at them").toBe(count);
  await using other = await start({ network, timeoutMs: 10_000, lookbackMs: 10_000 });
  expect((await other.get(keeper.ref(id))).state).toEqual({ sum: count });
});

test("what is old goes, also of an entity that nothing more happens to", { timeout: 60_000 }, async () => {
  await using node = await start();
  const ref = keeper.ref(newId());
  for (let i = 0; i < 400; i += 20)
    await Promise.all(Array.from({ length: 20 }, () => node.send(ref, { type: "add" })));
  const stream = await streamOf(ref.id);
  expect(await client.xlen(stream)).toBe(400);
  await until("the old ones are gone", async () => (await client.xlen(stream)) <= 150, 40_000);
  const [[first] = ["0-0"]] = (await client.xrange(stream, "-", "+", "COUNT", 1)) as [string, string[]][];
  const kept = 401 - Number.parseInt(first, 10);
  expect(kept, "100, and what came since the snapshot").toBeGreaterThanOrEqual(100);
  expect((await node.get(ref)).state).toEqual({ sum: 400 });
  expect((await node.send(ref, { type: "add" })).version).toBe(401);
  const { events } = await node.events(ref, { from: 1, limit: 1 });
  expect(events[0]?.version).toBe(Number.parseInt(first, 10));
  const { code } = await node.history(ref, { at: 200 }).then(
    () => ({ code: "none" }),
    (error: PachydermError) => error,
  );
  expect(code).toBe("UNREADABLE_EVENT");
});

test("raising snapshot.version where events are gone: refused, and nothing lost, until upcast brings the state forward", {
  timeout: 90_000,
}, async () => {
  const network = `keep-${randomBytes(6).toString("hex")}`;
  const ref = keeper.ref(newId());
  {
    await using old = await start({ network });
    for (let i = 0; i < 330; i += 30)
      await Promise.all(Array.from({ length: 30 }, () => old.send(ref, { type: "add" })));
    const stream = await streamOf(ref.id);
    await until("the old ones are gone", async () => (await client.xlen(stream)) < 330, 60_000);
  }
  const { type, handle, retention } = spec;
  const later = {
    type,
    handle,
    retention,
    init: () => ({ total: "0" }),
    update: ({ by }: { type: "added"; by: number }, { total }: { readonly total: string }) => {
      return { total: `${Number(total) + by}` };
    },
    views: { totals: { row: ({ total }: { readonly total: string }) => ({ total }), index: ["total"] } },
  };
  {
    const refuses = defineEntity({ ...later, snapshot: { every: 50, version: 2 } });
    await using node = await start({ network, entities: [refuses] });
    const failed = { code: "UNREADABLE_EVENT", outcome: "not-committed" };
    await expect(node.send(ref, { type: "add" })).rejects.toMatchObject(failed);
    await expect(node.send(ref, { type: "add" })).rejects.toThrow(/no snapshot that can be read covers it/);
  }
  const upcast = ({ sum }: { readonly sum: number }, version: number) => {
    expect(version).toBe(1);
    return { total: `${sum}` };
  };
  const brings = defineEntity({ ...later, snapshot: { every: 50, version: 2, upcast } });
  await using node = await start({ network, entities: [brings] });
  expect(await node.view(brings, "totals").get(ref.id), "made by a reader").toEqual({ total: "330" });
  expect(await node.history(brings.ref(ref.id))).toMatchObject({ version: 330, state: { total: "330" } });
  const { state } = await node.send(brings.ref(ref.id), { type: "add" });
  expect(state).toEqual({ total: "331" });
  for (let i = 0; i < 60; i += 30)
    await Promise.all(Array.from({ length: 30 }, () => node.send(brings.ref(ref.id), { type: "add" })));
  const [snapshot = ""] = await client.keys(`*s:${ref.id}`);
  expect(await client.hget(snapshot, "schema")).toBe("2");
  await using other = await start({ network, entities: [brings] });
  expect((await other.get(brings.ref(ref.id))).state).toEqual({ total: "391" });
});

test.runIf(isLong)("memory is flat over 100,000 messages", { timeout: 300_000 }, async () => {
  await using node = await start({
    timeoutMs: 5_000,
    lookbackMs: 5_000,
    log: { keepMs: 1_000 },
    keyTtlMs: 5_000,
  });
  const ref = keeper.ref(newId());
  const sizes: { stream: number; snapshot: number; others: number; heap: number }[] = [];
  const usage = async (key: string) => Number(await client.call("MEMORY", "USAGE", key));
  for (let sent = 0; sent < 100_000; sent += 1_000) {
    // Half of the answers are remembered under a caller's key, for as short as it may be.
    const options = (i: number) => (i % 2 === 0 ? {} : { idempotencyKey: `${sent + i}` });
    const one = (_: unknown, i: number) => node.send(ref, { type: "add" }, options(i));
    await Promise.all(Array.from({ length: 1_000 }, one));
    if ((sent + 1_000) % 10_000 !== 0) continue;
    // As long as the look-back takes: then what was sent before is old.
    await until(
      "the old ones are gone",
      async () => (await client.xlen(await streamOf(ref.id))) <= 200,
      60_000,
    );
    const stream = await streamOf(ref.id);
    const [snapshot = ""] = await client.keys(`*s:${ref.id}`);
    const rest = (await client.keys(`${stream.slice(0, stream.indexOf("}") + 1)}*`)).filter(
      (key) => key !== stream && key !== snapshot,
    );
    const others = (await Promise.all(rest.map(usage))).reduce((sum, bytes) => sum + bytes, 0);
    collectGarbage();
    const heap = Math.round(process.memoryUsage().heapUsed / 1_024);
    sizes.push({ stream: await usage(stream), snapshot: await usage(snapshot), others, heap });
  }
  for (const part of ["stream", "snapshot", "others", "heap"] as const) {
    const all = sizes.map((one) => one[part]);
    console.info(`${part} after each 10,000 messages:`, all.join(" "));
    if (part === "others") continue; // receipts and the log: what is left of them when it is looked at
    const later = all.slice(2); // the first ones are of a process that is still warming up
    expect(Math.max(...later), part).toBeLessThan(2 * Math.min(...later));
  }
  expect(Math.max(...sizes.map(({ others }) => others))).toBeLessThan(262_144);
  expect((await node.get(ref)).state).toEqual({ sum: 100_000 });
});

test("a policy that cannot be is refused", () => {
  const define = (parts: object) => () => defineEntity({ ...spec, ...parts });
  for (const parts of [
    { retention: { keepEvents: 0 } },
    { retention: { keep: 5 } },
    { retention: 100 },
    { snapshot: false },
    { snapshot: { every: 0 } },
    { retention: { keepEvents: 5, keep: 5 } },
  ])
    expect(define(parts), JSON.stringify(parts)).toThrowError(
      expect.objectContaining({ code: "INVALID_OPTIONS" }),
    );
});
