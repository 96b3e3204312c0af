// Subscriptions and followers of a cluster whose nodes are killed and frozen under load. Promise 11.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseLogCursor } from "../../src/core/log-cursor.ts";
import { comparePlaces, type LogPlace } from "../../src/core/log-place.ts";
import { defineEntity, newId, Pachyderm } from "../../src/index.ts";
import { readAll } from "../harness/durable-process.ts";
import { freePort } from "../harness/free-port.ts";
import { Program } from "../harness/program.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";
import { type SubscriberOrder, tally } from "../programs/subscriber.ts";

const PARTITIONS = 8;
const NODES = 3;
const LEASE_MS = 500;
const KILLS = rounds(2, 30);
const PER_SECOND = rounds(900, 5_000);
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

interface Seen {
  readonly id: string;
  readonly version: number;
}

class Stage {
  readonly network = `killed-${newId().slice(-12)}`;
  readonly ids = Array.from({ length: FOLLOWED }, () => newId());
  readonly #delivered = join(folder, `${this.network}-delivered`);
  readonly #followed: string[] = [];
  readonly nodes: Program[] = [];

  constructor() {
    writeFileSync(this.#delivered, "");
  }

  /** @param follow ids to follow, from behind what is written down of them */
  async start(place: number, follow: readonly string[] = []): Promise<void> {
    const port = await freePort();
    const cluster = {
      port,
      advertise: `127.0.0.1:${port}`,
      secret: "the secret of a test",
      leaseMs: LEASE_MS,
    };
    const from = new Map(this.followed().map(({ id, version }) => [id, version + 1]));
    const followed = join(folder, `${this.network}-${this.#followed.length}`);
    writeFileSync(followed, "");
    this.#followed.push(followed);
    const order: SubscriberOrder = {
      start: { redis: server.url, network: this.network, partitions: PARTITIONS, cluster },
      delivered: this.#delivered,
      followed,
      follow: follow.map((id) => [id, from.get(id) ?? 1]),
      ids: this.ids,
      perSecond: PER_SECOND / NODES,
    };
    const program = new Program("subscriber", order);
    this.nodes[place] = program;
    await program.prints("started");
  }

  delivered(): readonly Seen[] {
    return read(this.#delivered);
  }

  /** In the order of the nodes' lives: what one follower saw, and then whoever took its place. */
  followed(): readonly Seen[] {
    return this.#followed.flatMap(read);
  }

  /** Ends the load, and then the nodes in order. */
  async end(quiet: () => Promise<void>): Promise<void> {
    for (const node of this.nodes) node.say("quiet");
    await quiet();
    for (const node of this.nodes) node.say("stop");
    for (const node of this.nodes) expect((await node.ended(30_000)).code).toBe(0);
  }
}

function read(file: string): readonly Seen[] {
  const lines = readFileSync(file, "utf8").split("\n");
  lines.pop(); // a line that is not whole was not written by whoever was killed, or is ""
  return lines.map((line) => ({ id: line.slice(0, 36), version: Number(line.slice(37)) }));
}

/** Of each entity its versions, in the order of their first deliveries. */
function firsts(seen: readonly Seen[]): Map<string, readonly number[]> {
  const by = new Map<string, Set<number>>();
  for (const { id, version } of seen) by.set(id, (by.get(id) ?? new Set()).add(version));
  return new Map([...by].map(([id, versions]) => [id, [...versions]]));
}

/** Looks at the cursors all the time: none may go back. */
async function watchCursors(node: Pachyderm, network: string, until: AbortSignal): Promise<number> {
  let looks = 0;
  let before: readonly LogPlace[] = [];
  while (!until.aborted) {
    const cursor = await node.subscription("all").cursor();
    const places = parseLogCursor(network, PARTITIONS, cursor);
    const back = before.findIndex((place, i) => comparePlaces(place, places[i] ?? place) > 0);
    if (back >= 0) throw new Error(`the cursor of partition ${back} went back`);
    before = places;
    looks += 1;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return looks;
}

test(
  `${KILLS} kills and a freeze under ${PER_SECOND} events a second: all are delivered, in order, and no cursor goes back`,
  async () => {
    const stage = new Stage();
    await Promise.all([0, 1, 2].map((place) => stage.start(place)));
    const observer = await Pachyderm.start({
      entities: [tally],
      redis: server.url,
      network: stage.network,
      partitions: PARTITIONS,
    });
    const watched = new AbortController();
    const looks = watchCursors(observer, stage.network, watched.signal);
    looks.catch(() => {}); // awaited below
    const began = performance.now();
    for (let kill = 0; kill < KILLS; kill++) {
      const place = kill % NODES;
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(0, began + kill * 1_000 - performance.now())),
      );
      stage.nodes[place]?.kill();
      await stage.nodes[place]?.ended(5_000);
      await stage.start(place);
    }
    // The others take over what a frozen node owns, and go on; when it thaws it is late with whatever it held.
    const frozen = stage.nodes[0];
    const before = stage.delivered().length;
    frozen?.freeze();
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS * 4));
    await until("the others go on", () => stage.delivered().length > before + 100);
    frozen?.thaw();
    const seconds = (performance.now() - began) / 1_000;
    const caughtUp = async (): Promise<void> => {
      for (const name of ["all", "counts"])
        await until(
          `${name} is caught up`,
          async () => (await observer.subscription(name).lag()).caughtUp,
          60_000,
        );
    };
    await stage.end(async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await caughtUp();
    });
    watched.abort();
    expect(await looks).toBeGreaterThan(10);

    const logged = await server.ask((redis) => readAll(redis, stage.network));
    const last = new Map<string, number>();
    for (const { id, version } of logged) last.set(id, Math.max(version, last.get(id) ?? 0));
    const delivered = stage.delivered();
    const inOrder = firsts(delivered);
    expect(inOrder.size).toBe(last.size);
    for (const [id, version] of last)
      expect(inOrder.get(id)).toEqual(Array.from({ length: version }, (_, i) => i + 1));

    const rows = new Map<string, unknown>();
    for await (const { key, row } of observer.subscription("counts").rows()) rows.set(key, row);
    expect(rows).toEqual(new Map([...last].map(([id, count]) => [id, { count }])));
    await observer.stop();
    console.info(
      `${logged.length} events in ${seconds.toFixed(1)} s, ${delivered.length} deliveries, ${KILLS} kills, ${await looks} looks at the cursors`,
    );
  },
  rounds(90_000, 240_000),
);

test(
  `${FOLLOWED} followers of ${FOLLOWED} entities across three nodes, of which one is killed: each sees each event once, in order`,
  async () => {
    const stage = new Stage();
    const third = (place: number) => stage.ids.filter((_, i) => i % NODES === place);
    await Promise.all([0, 1, 2].map((place) => stage.start(place, third(place))));
    await until(
      "all followers have seen something",
      () => firsts(stage.followed()).size > FOLLOWED * 0.9,
      30_000,
    );
    stage.nodes[1]?.kill();
    await stage.nodes[1]?.ended(5_000);
    await stage.start(1, third(1));
    await new Promise((resolve) => setTimeout(resolve, rounds(1_500, 10_000)));
    const total = async (): Promise<number> =>
      (await server.ask((redis) => readAll(redis, stage.network))).length;
    await stage.end(async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await until("all is followed", async () => stage.followed().length >= (await total()), 60_000);
    });
    const logged = await server.ask((redis) => readAll(redis, stage.network));
    const expected = Map.groupBy(logged, ({ id }) => id);
    const seen = Map.groupBy(stage.followed(), ({ id }) => id);
    for (const [id, records] of expected)
      expect(seen.get(id)?.map(({ version }) => version)).toEqual(records.map(({ version }) => version));
    console.info(`${logged.length} events, each followed once, ${FOLLOWED} followers`);
  },
  rounds(60_000, 180_000),
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
      const { cursor, version } = await node.send(tally.ref(id), { type: "add" }, { answer: "none" });
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
