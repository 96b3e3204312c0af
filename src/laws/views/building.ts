// The life of a schema: it comes, it is built, it goes.

import assert from "node:assert/strict";
import { law, newView, stepOf } from "./law.ts";

export const buildingLaws = [
  law("a schema that is not there, or is not built, is told of as such", async (client) => {
    const view = newView();
    const entity = client.entity();
    await entity.write();
    for (const begin of [false, true]) {
      if (begin) assert.equal(await client.begin(view), false);
      assert.equal(await client.row(view, entity), "unbuilt");
      assert.equal(await client.find(view, "size"), "unbuilt");
      assert.equal(await client.count(view), "unbuilt");
    }
    await client.ready(view);
    assert.equal(await client.row(view, entity), null);
  }),

  law("while it is built, commits write their rows", async (client) => {
    const view = newView();
    const [old, young] = [client.entity(), client.entity()];
    await old.write();
    await client.begin(view);
    await young.write([stepOf(view, { size: 2 })]);
    await old.write([stepOf(view, { size: 1 }, "repair")], { records: [] });
    await client.ready(view);
    assert.deepEqual(await client.find(view, "size"), [{ size: 1 }, { size: 2 }]);
  }),

  law("begun again it stays as it is; what was never begun is not made ready", async (client) => {
    const view = newView();
    await client.entity().write();
    const found = await client.views.ready(0, view, client.deadline());
    assert.ok(found.kind === "schemas" && !found.schemas.some(({ table }) => table === view.table));
    await client.ready(view);
    assert.equal(await client.begin(view), true);
  }),

  law("one that goes takes its rows and its indexes along, and leaves the others", async (client) => {
    const old = newView(1);
    const young = { ...old, schema: "2.name" };
    await client.ready(old);
    await client.ready(young);
    const entity = client.entity();
    await entity.write([stepOf(old, { size: 1 })]);
    await entity.write([stepOf(young, { name: "n" }, "repair")], { records: [] });
    await client.views.drop(0, old, client.deadline());
    assert.equal(await client.row(old, entity), "unbuilt");
    assert.deepEqual(await client.find(young, "name"), [{ name: "n" }]);
    await entity.write([stepOf(old, { size: 2 })]);
    await client.ready(old);
    assert.deepEqual([await client.find(old, "size"), await client.count(old)], [[], 0]);
    assert.equal(await client.row(young, entity), "behind");
    assert.deepEqual(await client.behind(young, "name"), [entity.key.id]);
  }),

  law("a partition without entities is ready at once", async (client, { partitions }) => {
    const view = newView();
    assert.equal(await client.begin(view, partitions - 1), true);
  }),
];
