// What a commit does to rows: with its records or not at all, and no row is passed by.

import assert from "node:assert/strict";
import type { RowStep } from "../../ports/event-store.ts";
import { type Client, changeOf, type Entity, type Fields, law, newView, stepOf } from "./law.ts";

export const committingLaws = [
  law("a row is there with its commit, by id and by each index that it has a value for", async (client) => {
    const view = newView();
    await client.ready(view);
    const entity = client.entity();
    await entity.write([stepOf(view, { name: "a" })]);
    assert.deepEqual(await client.row(view, entity), { name: "a" });
    assert.deepEqual(await client.find(view, "name"), [{ name: "a" }]);
    assert.deepEqual(await client.find(view, "size"), []);
    assert.equal(await client.count(view), 1);
  }),

  law("a row that changes is found by what it is, and not by what it was", async (client) => {
    const view = newView();
    await client.ready(view);
    const entity = client.entity();
    const wholes = [
      { name: "a", size: 1 },
      { name: "b", size: 1 },
      { size: 2 },
      { name: "\0\x01é" },
      { name: "b" },
    ];
    for (const fields of wholes) {
      await entity.write([stepOf(view, fields)]);
      assert.deepEqual(await client.row(view, entity), fields);
      for (const field of ["name", "size"]) {
        assert.deepEqual(await client.find(view, field), field in fields ? [fields] : []);
      }
    }
    await entity.write([stepOf(view, null)]);
    assert.equal(await client.row(view, entity), null);
    assert.deepEqual([await client.find(view, "name"), await client.count(view)], [[], 0]);
  }),

  law("rows of several views, and of one call, are each their own", async (client) => {
    const [one, two] = [newView(), newView()];
    await client.ready(one);
    await client.ready(two);
    const entities = [1, 2, 3].map(() => client.entity());
    const commits = entities.map((entity, i) =>
      entity.commit([stepOf(one, { size: i }), stepOf(two, { name: `n${i}` })]),
    );
    const results = await client.store.commit(commits, client.deadline());
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ["committed", "committed", "committed"],
    );
    assert.deepEqual(await client.find(one, "size"), [{ size: 0 }, { size: 1 }, { size: 2 }]);
    assert.deepEqual(await client.find(two, "name"), [{ name: "n0" }, { name: "n1" }, { name: "n2" }]);
  }),

  law(
    "what a caller remembers of a row is not trusted: right or wrong, the row and its indexes are one",
    async (client) => {
      const was = { name: "a", size: 1 };
      const wholes: readonly Fields[] = [{ name: "b", size: 2 }, { name: "b" }, was];
      const memories = [
        was,
        { name: "x", size: 1 },
        { name: "x", size: 7 },
        { name: "b", size: 2 },
        { name: "a" },
        null,
      ];
      for (const fields of wholes) {
        for (const before of memories) {
          const view = newView();
          await client.ready(view);
          const entities = [client.entity(), client.entity()];
          for (const entity of entities) await entity.write([stepOf(view, was)]);
          // Beside another one in the same call, which remembers it well.
          const [one, other] = entities;
          assert.ok(one !== undefined && other !== undefined);
          await writeAll(client, [
            [one, changeOf(view, fields, before)],
            [other, changeOf(view, { name: "c", size: 3 }, was)],
          ]);
          const told = JSON.stringify({ fields, before });
          for (const field of ["name", "size"]) {
            const expected = [fields, { name: "c", size: 3 }].filter((row) => field in row);
            assert.deepEqual(await client.find(view, field), expected, told);
          }
          assert.deepEqual(await client.row(view, one), fields, told);
        }
      }
    },
  ),

  law(
    "two commits of one entity in one call leave the row of the second, as the caller remembers each",
    async (client) => {
      const was = { name: "a", size: 1 };
      const between = { name: "b", size: 1 };
      for (const last of [{ name: "c", size: 2 }, was]) {
        const view = newView();
        await client.ready(view);
        const entity = client.entity();
        await entity.write([stepOf(view, was)]);
        await writeAll(client, [
          [entity, changeOf(view, between, was)],
          [entity, changeOf(view, last, between)],
        ]);
        assert.deepEqual(await client.row(view, entity), last);
        for (const field of ["name", "size"]) assert.deepEqual(await client.find(view, field), [last]);
      }
    },
  ),

  law(
    "of two commits of one entity in one call the second one's row stays, whatever each does",
    async (client) => {
      // With a snapshot it is of another part of the call, as a repair is: so one comes behind the other there too.
      const snapshot = { version: 2, schema: 1, state: "{}" };
      for (const isBuilding of [false, true]) {
        for (const first of ["same", "repair"] as const) {
          const view = newView();
          const entity = client.entity();
          const was = { size: 1 };
          if (isBuilding) {
            await entity.write();
            assert.equal(await client.begin(view), false);
          } else {
            await client.ready(view);
            await entity.write([stepOf(view, was)]);
          }
          const { version } = entity.head;
          const looks = entity.commit([stepOf(view, was, first)], first === "repair" ? { records: [] } : {});
          if (first === "same") entity.head = { version: version + 1, commitId: looks.commitId };
          const last = entity.commit(
            [changeOf(view, { size: 2 }, was)],
            first === "repair" ? { snapshot } : {},
          );
          const results = await client.store.commit([looks, last], client.deadline());
          assert.deepEqual(
            results.map(({ kind }) => kind),
            ["committed", "committed"],
          );
          await client.ready(view);
          const told = JSON.stringify({ isBuilding, first });
          assert.deepEqual(await client.row(view, entity), { size: 2 }, told);
          assert.deepEqual(await client.find(view, "size"), [{ size: 2 }], told);
        }
      }
    },
  ),

  law(
    "of several rows in one call, those of commits that come second are left as they are",
    async (client) => {
      const view = newView();
      await client.ready(view);
      const was = { name: "a", size: 1 };
      const [late, good] = [client.entity(), client.entity()];
      for (const entity of [late, good]) await entity.write([stepOf(view, was)]);
      const old = late.commit([changeOf(view, { name: "z", size: 9 }, was)]);
      await late.write(); // which leaves the row as `old` remembers it
      const results = await client.store.commit(
        [old, good.commit([changeOf(view, { name: "c", size: 3 }, was)])],
        client.deadline(),
      );
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ["conflict", "committed"],
      );
      for (const field of ["name", "size"]) {
        assert.deepEqual(await client.find(view, field), [was, { name: "c", size: 3 }]);
      }
    },
  ),

  law("a commit that comes second leaves the row as it is", async (client) => {
    const view = newView();
    await client.ready(view);
    const entity = client.entity();
    await entity.write([stepOf(view, { size: 1 })]);
    const late = entity.commit([stepOf(view, { size: 9 })]);
    await entity.write([stepOf(view, { size: 2 })]);
    assert.equal((await entity.try(late)).kind, "conflict");
    assert.deepEqual(await client.find(view, "size"), [{ size: 2 }]);
  }),

  law("a commit that is tried again does not bring its row back", async (client) => {
    const view = newView();
    await client.ready(view);
    const entity = client.entity();
    const first = entity.commit([stepOf(view, { size: 1 })]);
    assert.equal((await entity.try(first)).kind, "committed");
    entity.head = { version: 1, commitId: first.commitId };
    await entity.write([stepOf(view, { size: 2 })]);
    const again = await entity.try(first);
    assert.ok(
      again.kind === "conflict" || (again.kind === "committed" && again.already),
      JSON.stringify(again),
    );
    assert.deepEqual(await client.row(view, entity), { size: 2 });
  }),

  law("a commit without records writes rows through the compare", async (client) => {
    const view = newView();
    await client.ready(view);
    const entity = client.entity();
    await entity.write();
    await entity.write([stepOf(view, { size: 1 }, "repair")], { records: [] });
    assert.deepEqual(await client.find(view, "size"), [{ size: 1 }]);
    const old = entity.commit([stepOf(view, { size: 0 }, "repair")], { records: [] });
    await entity.write([stepOf(view, { size: 2 })]);
    assert.equal((await entity.try(old)).kind, "conflict");
    assert.deepEqual(await client.row(view, entity), { size: 2 });
  }),

  law("a commit that destroys takes the row with it", async (client) => {
    const view = newView();
    await client.ready(view);
    const entity = client.entity();
    await entity.write([stepOf(view, { size: 1, name: "n" })]);
    await entity.write([stepOf(view, null)], { destroy: true });
    assert.equal(await client.row(view, entity), null);
    assert.deepEqual([await client.find(view, "size"), await client.count(view)], [[], 0]);
  }),

  law("what is not there is not written: a row of a schema that was not begun", async (client) => {
    const view = newView();
    const entity = client.entity();
    await entity.write([stepOf(view, { size: 1 })]);
    await client.ready(view);
    assert.equal(await client.row(view, entity), null);
    assert.equal(await client.count(view), 0);
  }),

  law("of a row that is the same, nothing is written, unless the schema is being built", async (client) => {
    const view = newView();
    const entity = client.entity();
    await entity.write();
    assert.equal(await client.begin(view), false, "there are entities: it is not ready");
    await entity.write([stepOf(view, { size: 1 }, "same")]);
    await client.ready(view);
    assert.deepEqual(await client.find(view, "size"), [{ size: 1 }]);
    await entity.write([stepOf(view, { size: 2 }, "same")]);
    assert.deepEqual(await client.find(view, "size"), [{ size: 1 }]);
  }),

  law(
    "of other schemas that are there the row falls behind, changed or not, until it is repaired",
    async (client) => {
      for (const mode of ["changed", "same"] as const) {
        const old = newView(1);
        const young = { ...old, schema: "2.name" };
        await client.ready(old);
        await client.ready(young);
        const [entity, other] = [client.entity(), client.entity()];
        await entity.write([stepOf(old, { size: 1 })]);
        await other.write([stepOf(old, { size: 7 })]);
        assert.equal(await client.row(young, entity), "behind");
        assert.deepEqual([await client.find(young, "name"), await client.count(young)], [[], 0]);
        assert.deepEqual(await client.behind(young, "name"), [entity.key.id, other.key.id].toSorted());
        for (const one of [entity, other]) {
          await one.write([stepOf(young, { name: "n" }, "repair")], { records: [] });
        }
        assert.deepEqual(await client.find(young, "name"), [{ name: "n" }, { name: "n" }]);
        assert.deepEqual(
          await client.find(old, "size"),
          [{ size: 1 }, { size: 7 }],
          "a repair changes nothing else",
        );
        await entity.write([stepOf(young, { name: "n" }, mode)]);
        assert.equal(await client.row(old, entity), "behind");
        assert.deepEqual(await client.row(old, other), { size: 7 });
        assert.deepEqual(await client.find(old, "size"), [{ size: 7 }]);
        assert.deepEqual(await client.behind(old, "size"), [entity.key.id]);
        assert.deepEqual(await client.behind(young, "name"), []);
      }
    },
  ),
];

/** In one call; of one entity, each comes on top of those before. */
async function writeAll(client: Client, steps: readonly (readonly [Entity, RowStep])[]): Promise<void> {
  const commits = steps.map(([entity, step]) => {
    const commit = entity.commit([step]);
    entity.head = { version: commit.expected.version + 1, commitId: commit.commitId };
    return commit;
  });
  const results = await client.store.commit(commits, client.deadline());
  for (const result of results) assert.equal(result.kind, "committed", JSON.stringify(result));
}
