// Rows that are behind, because code of another version committed last, are made by the reader: found, ordered, paged and
// counted as if they had been written, whatever is committed between its read and its making of them.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Catalog } from "../../src/core/catalog.ts";
import type { AnyEntity } from "../../src/core/entity.ts";
import { partitionOf } from "../../src/core/partition.ts";
import { defineEntity, newId } from "../../src/index.ts";
import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { MemoryViews } from "../../src/memory/views.ts";
import { systemClock } from "../../src/node/clock.ts";
import { RowMaker } from "../../src/node/row-maker.ts";
import type { FindOptions } from "../../src/node/view-options.ts";
import { View } from "../../src/node/views.ts";
import type { Commit } from "../../src/ports/event-store.ts";
import type { Views } from "../../src/ports/views.ts";
import { rounds } from "../harness/rounds.ts";

const PARTITIONS = 2;

interface State {
  readonly value: number | null;
  readonly count: number;
}
const define = (version: number) =>
  defineEntity({
    type: "item",
    init: (): State => ({ value: null, count: 0 }),
    handle: (message: { type: "set"; value: number | null }) => [message],
    update: (event: { type: "set"; value: number | null }, { count }): State => {
      return { value: event.value, count: count + 1 };
    },
    views: {
      by: {
        version,
        row: ({ value, count }, { id }) => (value === null ? null : { id, value, count }),
        index: ["value"],
      },
    },
  });
const code: Readonly<Record<Writer, AnyEntity>> = { reader: define(1), other: define(2) };
type Writer = "reader" | "other";

/** Entities that are written by two codes, and the view of one of them; what is asked of the store can be broken into. */
class Bench {
  readonly #log = new MemoryLog(systemClock);
  readonly #store = new MemoryEventStore(systemClock, this.#log);
  readonly #views = new MemoryViews(systemClock, this.#log);
  readonly #heads = new Map<string, Commit["expected"]>();
  readonly states = new Map<string, State>();
  readonly view: View<State & { readonly id: string }, "value">;
  /** Done after each read of rows, before the reader has its answer. */
  meanwhile: () => Promise<void> = async () => {};
  /** Told of each row that a reader has written as it should be, before it is. */
  repaired: (id: string) => void = () => {};

  constructor(timeoutMs = 5_000) {
    const { catalog, store } = { catalog: new Catalog([code.reader], []), store: this.#store };
    const [table] = code.reader.viewTables;
    if (table === undefined) throw new Error("it has a view");
    const get = () => Promise.reject(new Error("the type is defined here"));
    const maker = new RowMaker({ catalog, store, clock: systemClock, partitions: PARTITIONS, get });
    this.view = new View(
      {
        views: this.#broken(),
        partitions: PARTITIONS,
        timeoutMs,
        clock: systemClock,
        checkRunning: () => {},
        maker,
        repair: async ({ id }) => {
          this.repaired(id);
          await this.repair(id);
        },
        repairLater: () => {},
      },
      "item",
      table,
    );
  }

  async begin(): Promise<void> {
    for (const { viewTables } of Object.values(code))
      for (const view of viewTables)
        for (let one = 0; one < PARTITIONS; one++) await this.#views.begin(one, view, deadline());
  }

  async set(by: Writer, id: string, value: number | null): Promise<void> {
    const state = { value, count: (this.states.get(id)?.count ?? 0) + 1 };
    const event = JSON.stringify({ type: "set", value });
    await this.#commit(by, id, state, [{ messageId: newId(), event, reply: "" }]);
    this.states.set(id, state);
  }

  async repair(id: string): Promise<void> {
    const state = this.states.get(id);
    if (state !== undefined) await this.#commit("reader", id, state, []);
  }

  async #commit(by: Writer, id: string, state: State, records: Commit["records"]): Promise<void> {
    const expected = this.#heads.get(id) ?? { version: 0, commitId: "" };
    const commitId = newId();
    const rows = code[by].viewTables.map(({ table, schema, rowOf }) => {
      const { text, values } = rowOf(state, { type: "item", id });
      const mode = records.length === 0 ? ("repair" as const) : ("changed" as const);
      return { table, schema, mode, row: text, values };
    });
    const key = { id, partition: partitionOf(id, PARTITIONS) };
    const rest = { receipts: [], snapshot: null, rows };
    const commit: Commit = { key, type: "item", commitId, expected, records, ...rest };
    const [result] = await this.#store.commit([commit], deadline());
    expect(result?.kind).toBe("committed");
    if (records.length > 0) this.#heads.set(id, { version: expected.version + records.length, commitId });
  }

  #broken(): Views {
    const after = async <T>(answer: T): Promise<T> => {
      await this.meanwhile();
      return answer;
    };
    const views = this.#views;
    return Object.assign(Object.create(views) as Views, {
      find: async (...args: Parameters<Views["find"]>) => await after(await views.find(...args)),
      count: async (...args: Parameters<Views["count"]>) => await after(await views.count(...args)),
      get: async (...args: Parameters<Views["get"]>) => await after(await views.get(...args)),
    });
  }
}

const deadline = () => systemClock.monotonicMs() + 10_000;

/** What the other code writes is mostly further on: so what is read first is behind, and belongs elsewhere. */
const written = fc
  .record({
    by: fc.constantFrom<Writer>("reader", "other"),
    entity: fc.nat(23),
    value: fc.option(fc.integer({ min: -3, max: 3 }), { freq: 6 }),
  })
  .map(({ by, entity, value }) => ({
    by,
    entity,
    value: value === null || by === "reader" ? value : value + 4,
  }));
const asked = fc.record({
  order: fc.constantFrom("ascending" as const, "descending" as const),
  limit: fc.integer({ min: 1, max: 10 }),
  from: fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined }),
  to: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
});
const ids = Array.from({ length: 24 }, () => newId());
const idOf = (entity: number): string => ids[entity] ?? "";

test("what is found and counted is what the states say, in order, page by page", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(written, { maxLength: 100 }),
      fc.array(asked, { maxLength: 8 }),
      async (writes, asks) => {
        const bench = new Bench();
        await bench.begin();
        for (const { by, entity, value } of writes) await bench.set(by, idOf(entity), value);
        for (const { order, limit, from, to } of asks) {
          const options = {
            by: "value",
            ...(from === undefined ? {} : { from }),
            ...(to === undefined ? {} : { to }),
          } as const;
          const wanted = [...bench.states]
            .map(([id, { value, count }]) => ({ id, value, count }))
            .filter(({ value }) => value !== null && value >= (from ?? -99) && value <= (to ?? 99))
            .toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0) || (a.id < b.id ? -1 : 1));
          if (order === "descending") wanted.reverse();
          expect(await allPages(bench, { ...options, order, limit })).toEqual(wanted);
          expect(await bench.view.count(options)).toBe(wanted.length);
        }
        for (const id of ids) {
          const { value = null, count = 0 } = bench.states.get(id) ?? {};
          expect(await bench.view.get(id)).toEqual(value === null ? null : { id, value, count });
        }
        expect(await bench.view.count()).toBe(
          [...bench.states.values()].filter(({ value }) => value !== null).length,
        );
      },
    ),
    { numRuns: rounds(60, 3_000) },
  );
});

async function allPages(bench: Bench, options: FindOptions<"value">) {
  const rows: unknown[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = await bench.view.find({ ...options, ...(after === undefined ? {} : { after }) });
    rows.push(...page.rows);
    after = page.next;
  }
  return rows;
}

const meanwhile = fc.array(
  fc.record({ what: fc.constantFrom("reader", "other", "repair"), entity: fc.nat(23) }),
  { maxLength: 12 },
);

test("whatever is committed and repaired while rows are read, each is there, once, and not older than before", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(written, { maxLength: 80 }),
      fc.array(meanwhile, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 20 }),
      async (writes, breaks, limit) => {
        const bench = new Bench();
        await bench.begin();
        // Each keeps its value: what moves in the index while it is read may be found in both places, or in neither.
        const placeOf = (entity: number): number | null => (entity === 3 ? null : entity % 5);
        for (const { by, entity } of writes) await bench.set(by, idOf(entity), placeOf(entity));
        let n = 0;
        bench.meanwhile = async () => {
          for (const { what, entity } of breaks[n++ % breaks.length] ?? []) {
            if (what === "repair") await bench.repair(idOf(entity));
            else if (bench.states.has(idOf(entity)))
              await bench.set(what as Writer, idOf(entity), placeOf(entity));
          }
        };
        const before = new Map([...bench.states].filter(([, { value }]) => value !== null));
        const rows = (await allPages(bench, { by: "value", limit })) as readonly (State & { id: string })[];
        expect(rows.map(({ id }) => id).toSorted()).toEqual([...before.keys()].toSorted());
        for (const { id, count } of rows) expect(count).toBeGreaterThanOrEqual(before.get(id)?.count ?? 0);
        expect(await bench.view.count()).toBe(before.size);
        expect(await bench.view.count({ by: "value", from: 1, to: 2 })).toBe(
          [...before.values()].filter(({ value }) => value === 1 || value === 2).length,
        );
        for (const id of ids) {
          const known = bench.states.get(id)?.count ?? 0;
          const row = await bench.view.get(id);
          expect(row?.count ?? 0).toBeGreaterThanOrEqual(before.has(id) ? known : 0);
        }
      },
    ),
    { numRuns: rounds(60, 3_000) },
  );
});

test("what stands first in the index is behind, and belongs last: it waits for its turn", async () => {
  const bench = new Bench();
  await bench.begin();
  const many = Array.from({ length: 60 }, () => newId());
  for (const [i, id] of many.entries()) await bench.set("reader", id, i);
  for (const [i, id] of many.slice(0, 30).entries()) await bench.set("other", id, 100 + i);
  const wanted = [...many.slice(30), ...many.slice(0, 30)];
  for (const order of ["ascending", "descending"] as const) {
    const rows = (await allPages(bench, { by: "value", limit: 10, order })) as readonly { id: string }[];
    expect(rows.map(({ id }) => id)).toEqual(order === "ascending" ? wanted : wanted.toReversed());
  }
});

test("others write faster than is repaired: what is behind is made then, however much it is", async () => {
  const bench = new Bench(3_000);
  await bench.begin();
  const many = Array.from({ length: 800 }, () => newId());
  for (const id of many) await bench.set("other", id, 1);
  // All that was repaired is behind again before the next look.
  const again = new Set<string>();
  bench.repaired = (id) => again.add(id);
  bench.meanwhile = async () => {
    for (const id of again) await bench.set("other", id, 1);
    again.clear();
  };
  expect(await bench.view.count()).toBe(many.length);
  const { rows } = await bench.view.find({ by: "value", limit: 1_000 });
  expect(rows.map(({ id }) => id)).toEqual(many.toSorted());
});

test("a repair that fails is no end: the row is made", async () => {
  const bench = new Bench();
  await bench.begin();
  const many = Array.from({ length: 800 }, () => newId());
  for (const id of many) await bench.set("other", id, 1);
  bench.repaired = () => {
    throw new Error("it could not be written");
  };
  expect(await bench.view.count({ by: "value", from: 1, to: 1 })).toBe(many.length);
});

test("of very many rows that are behind some are repaired before the others are made", async () => {
  const bench = new Bench();
  await bench.begin();
  const many = Array.from({ length: 1_200 }, () => newId());
  for (const id of many) await bench.set("other", id, 1);
  expect(await bench.view.count()).toBe(1_200);
  const rows = await allPages(bench, { by: "value", limit: 1_000 });
  expect(rows.map((row) => (row as { id: string }).id)).toEqual(many.toSorted());
});
