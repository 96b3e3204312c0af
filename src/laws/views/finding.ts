// Rows by what is in them: in order, in spans, as many as are asked for.

import assert from "node:assert/strict";
import { newId } from "../../core/reference.ts";
import { type IndexValue, indexText, memberOf, spanOf } from "../../core/view-order.ts";
import { type Client, law, newView, stepOf } from "./law.ts";

/** In order. */
const VALUES: readonly IndexValue[] = [
  false,
  true,
  -Number.MAX_VALUE,
  -1.5,
  -1,
  0,
  5e-324,
  1,
  2,
  1e21,
  "",
  "\0",
  "\x01",
  "A",
  "a",
  "a\0",
  "aa",
  "é",
  "\u{ffff}",
  "\u{1f418}",
];

async function filled(client: Client) {
  const view = newView();
  await client.ready(view);
  for (const size of VALUES.toReversed()) await client.entity().write([stepOf(view, { size })]);
  return view;
}

const rowsOf = (values: readonly IndexValue[]) => values.map((size) => ({ size }));

export const findingLaws = [
  law(
    "values are in order, byte by byte of their keys: booleans, numbers, texts; and the other way round",
    async (client) => {
      const view = await filled(client);
      assert.deepEqual(await client.find(view, "size"), rowsOf(VALUES));
      assert.deepEqual(await client.find(view, "size", { descending: true }), rowsOf(VALUES.toReversed()));
    },
  ),

  law("each value is found alone, and counted alone", async (client) => {
    const view = await filled(client);
    for (const size of VALUES) {
      assert.deepEqual(await client.find(view, "size", { from: size, to: size }), [{ size }], `${size}`);
      assert.equal(await client.count(view, "size", { from: size, to: size }), 1);
    }
    assert.deepEqual(await client.find(view, "size", { from: "b", to: "c" }), []);
  }),

  law("a span has both its ends, and where one is left out, all of that kind", async (client) => {
    const view = await filled(client);
    const between = { from: -1, to: 2 };
    assert.deepEqual(await client.find(view, "size", between), rowsOf([-1, 0, 5e-324, 1, 2]));
    assert.equal(await client.count(view, "size", between), 5);
    assert.deepEqual(await client.find(view, "size", { from: 2 }), rowsOf([2, 1e21]));
    assert.deepEqual(await client.find(view, "size", { to: "A" }), rowsOf(["", "\0", "\x01", "A"]));
    assert.deepEqual(await client.find(view, "size", { from: true }), rowsOf([true]));
  }),

  law("so many are told as are asked for, from either end, and whether there may be more", async (client) => {
    const view = await filled(client);
    assert.deepEqual(await client.find(view, "size", { limit: 2 }), rowsOf([false, true]));
    assert.deepEqual(await client.find(view, "size", { limit: 2, descending: true, to: 2 }), rowsOf([2, 1]));
    const span = { field: "size", ...spanOf(1, 2) };
    const ask = async (limit: number) => {
      const requests = [{ partition: 0, span, descending: false, limit }];
      const [found] = await client.views.find(view, requests, client.deadline());
      return found?.kind === "rows" && found.more;
    };
    assert.deepEqual([await ask(1), await ask(3)], [true, false]);
  }),

  law("rows of one value are in the order of their ids, and each is told with its member", async (client) => {
    const view = newView();
    await client.ready(view);
    const entities = Array.from({ length: 5 }, () => client.entity());
    for (const entity of entities.toReversed()) await entity.write([stepOf(view, { name: "same" })]);
    const span = { field: "name", ...spanOf("same", "same") };
    const requests = [{ partition: 0, span, descending: false, limit: 10 }];
    const [found] = await client.views.find(view, requests, client.deadline());
    assert.ok(found?.kind === "rows");
    const ids = found.rows.map(({ member }) => member.slice(-36));
    assert.deepEqual(ids, entities.map(({ key }) => key.id).toSorted());
  }),

  law("partitions are asked together and tell of their own, in the order of the requests", async (client) => {
    const view = newView();
    for (const partition of [1, 2, 3]) await client.ready(view, partition);
    await client.entity(1).write([stepOf(view, { size: 1 })]);
    await client.entity(3).write([stepOf(view, { size: 3 })]);
    const span = { field: "size", ...spanOf(undefined, undefined) };
    const requests = [3, 0, 2, 1].map((partition) => ({ partition, span, descending: false, limit: 9 }));
    const found = await client.views.find(view, requests, client.deadline());
    const told = found.map((one) => (one.kind === "rows" ? one.rows.map(({ row }) => row).join() : one.kind));
    assert.deepEqual(told, ['{"size":3}', "unbuilt", "", '{"size":1}']);
    const counted = await client.views.count(view, requests, client.deadline());
    assert.deepEqual(
      counted.map((one) => (one.kind === "count" ? one.count : one.kind)),
      [1, "unbuilt", 0, 1],
    );
  }),

  law(
    "rows that are behind are left out, wherever they stood, and named; the others are told, and counted",
    async (client) => {
      const old = newView(1);
      const young = { ...old, schema: "2.name" };
      await client.ready(old);
      await client.ready(young);
      const sizes: IndexValue[] = [1, "\0\x01é", 3, 4, 5];
      const entities = sizes.map(() => client.entity());
      for (const [i, entity] of entities.entries()) {
        await entity.write([stepOf(old, { size: sizes[i] ?? 0, name: `n${i}` })]);
        await entity.write([stepOf(young, { name: "n" }, "repair")], { records: [] });
      }
      const hidden = client.entity();
      await hidden.write([stepOf(old, null)]);
      await hidden.write([stepOf(young, { name: "n" })]); // has no row there, and may have one
      for (const i of [1, 4]) await entities[i]?.write([stepOf(young, { name: "m" })]);
      const late = [entities[1], entities[4], hidden].map((entity) => entity?.key.id ?? "").toSorted();
      assert.deepEqual(await client.behind(old, "size"), late);
      assert.deepEqual(
        await client.find(old, "name"),
        [0, 2, 3].map((i) => ({ size: sizes[i], name: `n${i}` })),
      );
      assert.deepEqual([await client.count(old), await client.count(old, "name")], [3, 3]);
      assert.equal(await client.count(old, "size", { from: 3, to: 4 }), 2);
      assert.equal(await client.count(old, "size", { from: 5 }), 0);
      assert.equal(await client.count(old, "size", { from: "" }), 0);
      assert.equal(await client.count(old, "name", { from: "n4" }), 0);
    },
  ),

  law("where the last row that was looked at is behind, its place is told all the same", async (client) => {
    const old = newView(1);
    const young = { ...old, schema: "2.name" };
    await client.ready(old);
    await client.ready(young);
    const entities = [1, 2, 3].map(() => client.entity());
    for (const [i, entity] of entities.entries()) await entity.write([stepOf(old, { size: i })]);
    await entities[1]?.write([stepOf(young, { name: "m" })]);
    const span = { field: "size", ...spanOf(undefined, undefined) };
    for (const descending of [false, true]) {
      const requests = [{ partition: 0, span, descending, limit: 2 }];
      const [found] = await client.views.find(old, requests, client.deadline());
      assert.ok(found?.kind === "rows" && found.more);
      assert.deepEqual(
        found.rows.map(({ row }) => JSON.parse(row)),
        [{ size: descending ? 2 : 0 }],
      );
      assert.equal(found.end, memberOf(indexText(1), entities[1]?.key.id ?? ""));
    }
  }),

  law(
    "of very many rows that are behind some are named, and nothing is read, until they are few",
    async (client) => {
      const old = newView(1);
      const young = { ...old, schema: "2.name" };
      await client.ready(old);
      await client.ready(young);
      const entities = Array.from({ length: 300 }, () => client.entity());
      const commits = entities.map((entity) => entity.commit([stepOf(young, { name: "n" })]));
      for (const { kind } of await client.store.commit(commits, client.deadline()))
        assert.equal(kind, "committed");
      const ids = new Set(entities.map(({ key }) => key.id));
      const span = { field: "size", ...spanOf(undefined, undefined) };
      const requests = [{ partition: 0, span, descending: false, limit: 9 }];
      for (const ask of [
        client.views.find(old, requests, client.deadline()),
        client.views.count(old, requests, client.deadline()),
      ]) {
        const [answer] = await ask;
        assert.ok(answer?.kind === "behind", answer?.kind);
        assert.ok(answer.ids.length > 0 && new Set(answer.ids).size === answer.ids.length);
        assert.ok(answer.ids.every((id) => ids.has(id)));
      }
      for (const mostBehind of [299, 300]) {
        const some = requests.map((one) => ({ ...one, mostBehind }));
        const [found] = await client.views.find(old, some, client.deadline());
        const [counted] = await client.views.count(old, some, client.deadline());
        const isTold = mostBehind >= entities.length;
        assert.deepEqual([found?.kind, counted?.kind], isTold ? ["rows", "count"] : ["behind", "behind"]);
        if (found?.kind === "rows") assert.deepEqual(new Set(found.behind), ids);
        if (counted?.kind === "count") assert.deepEqual(new Set(counted.behind), ids);
      }
      const last = entities.slice(0, 100);
      const repairs = last.map((entity, i) => {
        entity.head = { version: 1, commitId: commits[i]?.commitId ?? "" };
        return entity.commit([stepOf(old, { size: 1 }, "repair")], { records: [] });
      });
      for (const { kind } of await client.store.commit(repairs, client.deadline()))
        assert.equal(kind, "committed");
      assert.equal((await client.behind(old, "size")).length, 200);
      assert.equal(await client.count(old), 100);
    },
  ),

  law("an entity that never was has no row", async (client) => {
    const view = newView();
    await client.ready(view);
    const got = await client.views.get(view, { id: newId(), partition: 0 }, client.deadline());
    assert.deepEqual(got, { kind: "row", row: null });
  }),
];
