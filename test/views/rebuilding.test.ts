// New views and new versions of views, beside old code and under load: a row that is read is the state's, at every moment.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, PachydermError } from "../../src/index.ts";
import { rounds } from "../harness/rounds.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";
import { until } from "../harness/until.ts";

const define = <V extends object>(views: V) =>
  defineEntity({
    type: "counter",
    init: () => ({ count: 0 }),
    handle: (_: { type: "add" }) => [{ type: "added" as const }],
    update: (_: { type: "added" }, { count }) => ({ count: count + 1 }),
    views: views as never,
  });
type Row = { readonly id: string; readonly count: number };
const plain = define({});
const first = define({ by: { row: ({ count }: Row, { id }: Row) => ({ id, count }), index: ["count"] } });
const second = define({
  by: {
    version: 2,
    row: ({ count }: Row, { id }: Row) => ({ id, count, twice: 2 * count }),
    index: ["twice"],
  },
});

let redis: SomeRedis;
beforeAll(async () => {
  redis = await someRedis();
});
afterAll(() => redis.stop());

const started = (network: string, entity: typeof plain, clustered = true): Promise<Pachyderm> =>
  Pachyderm.start({
    entities: [entity],
    network,
    partitions: 8,
    redis: redis.url,
    ...(clustered
      ? { cluster: { host: "127.0.0.1", port: 0, secret: "a secret of tests", leaseMs: 2_000 } }
      : {}),
  });
const fresh = () => `rebuild-${randomBytes(6).toString("hex")}`;
const viewOf = (node: Pachyderm) => node.view({ type: "counter" }, "by");

/** Sends without end to some counters, and knows what each of them must show. */
class Load {
  readonly counts = new Map<string, number>();
  readonly #failed: unknown[] = [];
  #running = true;
  readonly #loops: Promise<void>[];

  constructor(nodes: () => readonly Pachyderm[], ids: readonly string[]) {
    for (const id of ids) this.counts.set(id, 0);
    this.#loops = ids.map(async (id, i) => {
      for (let n = i; this.#running; n++) {
        const all = nodes();
        const node = all[n % all.length];
        try {
          const sent = await node?.send({ type: "counter", id }, { type: "add" });
          this.counts.set(id, sent?.version ?? 0);
        } catch (thrown) {
          if (thrown instanceof PachydermError && thrown.code === "NODE_STOPPING") continue;
          this.#failed.push(thrown);
          return;
        }
      }
    });
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
    expect(this.#failed).toEqual([]);
  }
}

/** Reads a row between two looks at what was answered: it must not be older than the first. */
async function checkRow(node: Pachyderm, load: Load, id: string): Promise<void> {
  const before = load.counts.get(id) ?? 0;
  const row = (await viewOf(node).get(id)) as Row | null;
  expect(row?.count ?? 0).toBeGreaterThanOrEqual(before);
}

/** All rows by the index, each not older than what was answered before; false while they are being made. */
async function checkAll(node: Pachyderm, load: Load, by: "count" | "twice"): Promise<boolean> {
  const before = new Map(load.counts);
  try {
    const { rows } = await viewOf(node).find({ by, limit: 1_000 });
    const found = new Map((rows as readonly Row[]).map((row) => [row.id, row.count]));
    for (const [id, count] of before)
      if (count > 0) expect(found.get(id) ?? -1).toBeGreaterThanOrEqual(count);
    return true;
  } catch (thrown) {
    if (thrown instanceof PachydermError && thrown.code === "VIEW_NOT_BUILT") return false;
    throw thrown;
  }
}

test("a view that is new to a network with entities is made, and then read", async () => {
  const network = fresh();
  const old = await started(network, plain, false);
  const ids = Array.from({ length: 300 }, () => newId());
  await Promise.all(ids.map((id) => old.send({ type: "counter", id }, { type: "add" })));
  await old.stop();
  const node = await started(network, first, false);
  try {
    expect(await viewOf(node).get(ids[0] ?? "")).toEqual({ id: ids[0], count: 1 });
    await until(
      "the view is built",
      async () =>
        (await viewOf(node)
          .count()
          .catch(() => -1)) === ids.length,
    );
    const { rows } = await viewOf(node).find({ by: "count", from: 1, to: 1, limit: 1_000 });
    expect(rows.map((row) => (row as Row).id).toSorted()).toEqual(ids.toSorted());
  } finally {
    await node.stop();
  }
}, 60_000);

test(
  "a rolling upgrade under load: no row that either version reads is older than what was answered",
  async () => {
    const network = fresh();
    const [a, b] = await Promise.all([started(network, first), started(network, first)]);
    let nodes: readonly Pachyderm[] = [a, b];
    const load = new Load(
      () => nodes,
      Array.from({ length: rounds(24, 200) }, () => newId()),
    );
    const ids = [...load.counts.keys()];
    const checks = { old: 0, young: 0 };
    const look = async (old: Pachyderm | null, young: Pachyderm | null): Promise<void> => {
      for (const id of ids) {
        if (old !== null) await checkRow(old, load, id);
        if (young !== null) await checkRow(young, load, id);
      }
      if (old !== null && (await checkAll(old, load, "count"))) checks.old += 1;
      if (young !== null && (await checkAll(young, load, "twice"))) checks.young += 1;
    };
    await until("rows of the first version", async () => await checkAll(a, load, "count"));
    const young = await started(network, second);
    nodes = [a, b, young];
    for (let i = 0; i < rounds(2, 30); i++) await look(b, young);
    expect(checks.old).toBe(rounds(2, 30));
    nodes = [b, young];
    await a.stop();
    for (let i = 0; i < rounds(1, 20); i++) await look(b, young);
    nodes = [young];
    await b.stop();
    await until("rows of the second version", async () => await checkAll(young, load, "twice"));
    for (let i = 0; i < rounds(2, 30); i++) await look(null, young);
    await load.stop();
    expect(checks.young).toBeGreaterThanOrEqual(rounds(2, 30));
    const { rows } = await viewOf(young).find({ by: "twice", limit: 1_000 });
    const counts = (rows as readonly Row[]).map(({ id, count }) => [id, count]);
    expect(new Map(counts as [string, number][])).toEqual(load.counts);
    await young.stop();
  },
  rounds(90_000, 280_000),
);

test(
  "read-your-writes: what was sent by one node is read by another, by id and by index",
  async () => {
    const network = fresh();
    const [one, other] = await Promise.all([started(network, first), started(network, first)]);
    try {
      await until(
        "the view is there",
        async () =>
          (await viewOf(one)
            .count()
            .catch(() => -1)) === 0,
      );
      const times = rounds(200, 10_000);
      for (let i = 0; i < times; i++) {
        const id = newId();
        await one.send({ type: "counter", id }, { type: "add" });
        const [row, page] = await Promise.all([
          viewOf(other).get(id),
          viewOf(other).find({ by: "count", order: "descending", from: 1, to: 1, limit: 1 }),
        ]);
        expect(row).toEqual({ id, count: 1 });
        expect((page.rows[0] as Row).id).toBe(id); // ids rise with time, so it is the last one
      }
      expect(await viewOf(other).count()).toBe(times);
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
  },
  rounds(60_000, 280_000),
);
