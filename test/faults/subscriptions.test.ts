// Subscriptions and followers of a cluster whose nodes are killed and frozen under load. Promise 11.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseLogCursor } from "../../src/core/log-cursor.ts";
import { formatPlace, type LogPlace } from "../../src/core/log-place.ts";
import { defineEntity, newId, Pachyderm } from "../../src/index.ts";
import { CursorWatch, isBehind } from "../harness/cursor-watch.ts";
import { firsts } from "../harness/deliveries.ts";
import { readAll, type Logged as Stored } from "../harness/durable-process.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { rounds } from "../harness/rounds.ts";
import { type Logged, NODES, PARTITIONS, Stage } from "../harness/subscribers.ts";
import { until } from "../harness/until.ts";
import { type Count, counted, tally } from "../programs/subscriber.ts";

const KILLS = rounds(3, 30);
const PER_SECOND = rounds(900, 5_000);
/** After which kills there is a rewind: to a place of before, and to where it stands, in turn. */
const REWINDS = new Set(rounds([1, 2], [4, 9, 14, 19, 24, 28]));
const MANY = rounds(20_000, 1_000_000);
const FOLLOWED = rounds(90, 1_000);

let server: RedisServer;
let folder: string;
beforeAll(async () => {
  server = await RedisServer.start();
  folder = mkdtempSync(join(tmpdir(), "pachyderm-subscriptions-"));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Each cursor of the subscription moves, and moves again: whoever owned the partition before has no say in it. */
async function allMoveTwice(observer: Pachyderm): Promise<void> {
  for (let time = 1; time <= 2; time++) {
    const before = await cursorsOf(observer);
    await until(
      `the cursors have moved ${time} times`,
      async () => (await cursorsOf(observer)).every((place, i) => place !== before[i]),
      60_000,
    );
  }
}

async function cursorsOf(observer: Pachyderm): Promise<readonly string[]> {
  const { network } = observer.cluster();
  const places = parseLogCursor(network, PARTITIONS, await observer.subscription("all").cursor());
  return places.map(formatPlace);
}

async function caughtUp(observer: Pachyderm, name: string): Promise<void> {
  const isCaughtUp = async (): Promise<boolean> => (await observer.subscription(name).lag()).caughtUp;
  await until(`${name} is caught up`, isCaughtUp, 60_000);
}

test(
  `${KILLS} kills, a freeze and a rewind under ${PER_SECOND} events a second: all are delivered, in order, and no cursor goes back`,
  async () => {
    // A third of the nodes' time goes by without them; the others' load makes up for it.
    const stage = new Stage({ server, folder, entities: FOLLOWED, perSecond: (PER_SECOND * 1.4) / NODES });
    await Promise.all([0, 1, 2].map((place) => stage.start(place)));
    const observer = await Pachyderm.start({
      entities: [tally],
      redis: server.url,
      network: stage.network,
      partitions: PARTITIONS,
    });
    let watch = new CursorWatch(stage, observer, 0);
    const watches = [watch];
    const rewinds: Rewind[] = [];
    const began = performance.now();
    const before = stage.delivered.events();
    for (let kill = 0; kill < KILLS; kill++) {
      // A kill for each second's events: where the machine is slow, both come later.
      const due = before + (kill + 1) * PER_SECOND;
      const isDue = (): boolean => stage.delivered.events() >= due;
      const earlier = REWINDS.has(kill) ? await observer.subscription("all").cursor() : null;
      await until(`${due} events are delivered`, isDue, 60_000);
      await stage.kill(kill % NODES);
      await stage.start(kill % NODES);
      if (earlier === null) continue;
      const { free } = await stage.hold();
      await watch.end();
      rewinds.push(await rewindIn(stage, observer, rewinds.length % 2 === 0 ? earlier : null));
      watch = new CursorWatch(stage, observer, rewinds.at(-1)?.delivered ?? 0);
      watches.push(watch);
      await free();
    }
    const seconds = (performance.now() - began) / 1_000;
    const events = stage.delivered.events() - before;
    // The others take over what a frozen node owns, and go on; when it thaws it is late with the batch that it held.
    const { node: frozen, free } = await stage.hold();
    frozen.freeze();
    await allMoveTwice(observer);
    const freed = free();
    frozen.thaw();
    await freed;
    const { looks } = watch;
    await until("the cursors were looked at since it thawed", () => watch.looks > looks + 10, 60_000);
    await stage.quiet();
    for (const name of ["all", "counts"]) await caughtUp(observer, name);
    expect(await stage.stop()).toEqual([0, 0, 0]);
    await watch.end();

    const log = await stage.log();
    const records = await server.ask((redis) => readAll(redis, stage.network));
    expect(log.flat()).toHaveLength(records.length);
    const inOrder = firsts(stage.delivered.all());
    const stored = Map.groupBy(records, ({ id }) => id);
    expect(inOrder.size).toBe(stored.size);
    for (const [id, list] of stored) expect(inOrder.get(id)).toEqual(list.map(({ version }) => version));
    for (const one of watches) expect(await one.passed(log)).toEqual([]);
    for (const rewind of rewinds) expect(missingSince(stage, log, rewind)).toEqual([]);

    const rows = new Map<string, unknown>();
    for await (const { key, row } of observer.subscription("counts").rows()) rows.set(key, row);
    expect(rows).toEqual(replayed(stored));
    await observer.stop();
    const looked = watches.reduce((sum, one) => sum + one.looks, 0);
    console.info(
      `${events} events in ${seconds.toFixed(1)} s: ${(events / seconds).toFixed(0)} a second, with ${KILLS} kills; ` +
        `${records.length} in the end, ${stage.delivered.all().length} deliveries, ${rewinds.length} rewinds, ` +
        `${looked} looks at the cursors`,
    );
  },
  rounds(120_000, 300_000),
);

/** Where each partition's cursor was put, and how many deliveries there had been. */
interface Rewind {
  readonly places: readonly LogPlace[];
  readonly delivered: number;
}

/** @param to null: where it stands, so that nothing but the generation tells that there was one */
async function rewindIn(stage: Stage, observer: Pachyderm, to: string | null): Promise<Rewind> {
  const subscription = observer.subscription("all");
  const delivered = stage.delivered.all().length;
  const cursor = to ?? (await subscription.cursor());
  await subscription.rewind(cursor);
  return { places: parseLogCursor(stage.network, PARTITIONS, cursor), delivered };
}

/** What stands behind the places of a rewind, and was not delivered after it. */
function missingSince(
  stage: Stage,
  log: readonly (readonly Logged[])[],
  { places, delivered }: Rewind,
): readonly Logged[] {
  const since = stage.delivered.all().slice(delivered);
  const again = new Set(since.map(({ id, version }) => `${id} ${version}`));
  return log.flatMap((events, partition) =>
    events.filter(
      (event) => !isBehind(event, places[partition]) && !again.has(`${event.id} ${event.version}`),
    ),
  );
}

function replayed(stored: ReadonlyMap<string, readonly Stored[]>): ReadonlyMap<string, Count | null> {
  const fold = (before: Count | null, { event }: Stored): Count => counted(before, { n: Number(event["n"]) });
  return new Map([...stored].map(([id, list]) => [id, list.reduce(fold, null)]));
}

test(
  `${FOLLOWED} followers of ${FOLLOWED} entities across three nodes, of which one is killed: each sees each event once, in order`,
  async () => {
    const stage = new Stage({ server, folder, entities: FOLLOWED, perSecond: PER_SECOND / NODES });
    const third = (place: number) => stage.ids.filter((_, i) => i % NODES === place);
    await Promise.all([0, 1, 2].map((place) => stage.start(place, third(place))));
    await until(
      "all followers have seen something",
      () => firsts(stage.followed()).size > FOLLOWED * 0.9,
      60_000,
    );
    await stage.kill(1);
    await stage.start(1, third(1));
    const due = stage.followedCount + rounds(1_350, 50_000);
    await until(`${due} events are followed`, () => stage.followedCount >= due, 60_000);
    await stage.quiet();
    const records = await server.ask((redis) => readAll(redis, stage.network));
    await until("all is followed", () => stage.followedCount >= records.length, 60_000);
    expect(await stage.stop()).toEqual([0, 0, 0]);
    const logged = await server.ask((redis) => readAll(redis, stage.network));
    const seen = Map.groupBy(stage.followed(), ({ id }) => id);
    for (const [id, list] of Map.groupBy(logged, (record) => record.id))
      expect(seen.get(id)?.map(({ version }) => version)).toEqual(list.map(({ version }) => version));
    console.info(`${logged.length} events, each followed once, ${FOLLOWED} followers`);
  },
  rounds(120_000, 240_000),
);

test("waitFor, then a read of the subscription's own store: always there", async () => {
  const node = await Pachyderm.start({
    entities: [tally],
    redis: server.url,
    network: "waits",
    partitions: PARTITIONS,
  });
  const store = new Map<string, number>();
  const subscription = await node.subscribe({
    name: "store",
    handle: ({ reference: { id }, version }) => void store.set(id, version),
  });
  const times = rounds(240, 10_000);
  const one = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const id = newId();
      const { cursor, version } = await node.send(tally.ref(id), { type: "add", n: 1 }, { answer: "none" });
      await subscription.waitFor(cursor);
      expect(store.get(id)).toBe(version);
    }
  };
  await Promise.all(Array.from({ length: 8 }, () => one(times / 8)));
  await node.stop();
});

test(
  `${MANY} old events are caught up in pieces: the heap does not grow with them`,
  async () => {
    const bulk = defineEntity({
      type: "bulk",
      init: () => ({ count: 0 }),
      handle: (_message: { type: "fill" }) =>
        Array.from({ length: 100 }, (_, n) => ({ type: "added" as const, n })),
      update: (_event: { type: "added"; n: number }, { count }) => ({ count: count + 1 }),
    });
    const node = await Pachyderm.start({
      entities: [bulk],
      redis: server.url,
      network: "million",
      partitions: PARTITIONS,
    });
    const ids = Array.from({ length: 500 }, () => newId());
    let next = 0;
    const fill = async (): Promise<void> => {
      while (next < MANY / 100)
        await node.send(bulk.ref(ids[next++ % 500] ?? ""), { type: "fill" }, { answer: "none" });
    };
    await Promise.all(Array.from({ length: 64 }, fill));
    const before = process.memoryUsage().heapUsed;
    let most = before;
    let count = 0;
    let told = 0;
    const began = performance.now();
    const subscription = await node.subscribe({
      name: "old",
      handle() {
        count += 1;
        if (count % 1_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed);
      },
      progress: () => {
        told += 1;
      },
    });
    await until("it is caught up", async () => count >= MANY && (await subscription.lag()).caughtUp, 120_000);
    const seconds = (performance.now() - began) / 1_000;
    expect(count).toBe(MANY);
    expect(told).toBeGreaterThan(MANY / 2_000);
    const grown = (most - before) / 1_048_576;
    console.info(
      `${MANY} events in ${seconds.toFixed(1)} s, ${told} times told, ${grown.toFixed(0)} MB more heap at most`,
    );
    expect(grown).toBeLessThan(200);
    await node.stop();
  },
  rounds(60_000, 240_000),
);
