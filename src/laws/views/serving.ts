// The views as a service: deadlines, their end, and what they do with foreign data.

import assert from "node:assert/strict";
import { law, newView, stepOf } from "./law.ts";

export const servingLaws = [
  law("without time left, and after close, everything is `unavailable`", async (client) => {
    const view = newView();
    const span = { field: "size", from: "", to: "u" };
    const all = async (deadline: number) => {
      const requests = [{ partition: 0, span, descending: false, limit: 1 }];
      const answers = [
        await client.views.get(view, client.entity().key, deadline),
        ...(await client.views.find(view, requests, deadline)),
        ...(await client.views.count(view, requests, deadline)),
        await client.views.schemas(0, deadline),
        await client.views.begin(0, view, deadline),
        await client.views.ready(0, view, deadline),
        await client.views.drop(0, view, deadline),
      ];
      assert.deepEqual(new Set(answers.map(({ kind }) => kind)), new Set(["unavailable"]));
    };
    await all(client.deadline(-1));
    await client.views.close();
    await all(client.deadline());
  }),

  law(
    "foreign data refuses the commit that has to do with it, whole, and is unreadable",
    async (client, { spoil }) => {
      assert.ok(spoil, "the backend can spoil data, or says why it cannot");
      // In partitions of their own: what is spoilt stays so.
      for (const [partition, part] of [
        [1, "rows"],
        [2, "index"],
        [3, "schemas"],
      ] as const) {
        const view = newView();
        await client.ready(view, partition);
        const entity = client.entity(partition);
        await entity.write([stepOf(view, { size: 1 })]);
        await spoil(partition, view, part);
        const spoilt = entity.commit([stepOf(view, { size: 2, name: "n" })]);
        const [beside, behind] = [client.entity(partition), client.entity(partition)];
        const calls = [beside.commit(undefined), spoilt, behind.commit([stepOf(view, { size: 3 })])];
        const results = await client.store.commit(calls, client.deadline());
        assert.deepEqual(
          results.map(({ kind }) => kind),
          ["committed", "refused", "refused"],
          part,
        );
        await behind.write();
        assert.equal(
          await client.find(view, part === "index" ? "name" : "size", { partition }),
          "unreadable",
          part,
        );
        await entity.write(); // nothing of it was written: the entity is where it was
      }
    },
  ),

  law(
    "a list of what is behind that is foreign refuses repairs, and nothing beside them",
    async (client, { spoil }) => {
      assert.ok(spoil, "the backend can spoil data, or says why it cannot");
      const partition = 4;
      const view = newView();
      await client.ready(view, partition);
      const [repaired, changed, beside] = [1, 2, 3].map(() => client.entity(partition));
      assert.ok(repaired !== undefined && changed !== undefined && beside !== undefined);
      await repaired.write([stepOf(view, { size: 1 })]);
      await spoil(partition, view, "behind");
      const repair = repaired.commit([stepOf(view, { size: 1 }, "repair")], { records: [] });
      const results = await client.store.commit([repair, beside.commit(undefined)], client.deadline());
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ["refused", "committed"],
      );
      await changed.write([stepOf(view, { size: 2 })]);
      assert.equal(await client.find(view, "size", { partition }), "unreadable");
      assert.equal(await client.row(view, repaired), "unreadable");
    },
  ),
];
