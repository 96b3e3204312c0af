// Rows of a call are written together, by what the caller remembers of them, which may be wrong: whatever is in a call, rows
// and indexes are as a plain model says. (By the memory's twin too, which looks at no memories.)

import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { fieldsOf } from "../../src/core/view.ts";
import { Client, changeOf, type Entity, type Fields, newView, stepOf } from "../../src/laws/views/law.ts";
import type { ViewKey } from "../../src/ports/views.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { rounds } from "../harness/rounds.ts";
import { memoryViews, redisViews } from "../harness/views-backends.ts";

const server = await RedisServer.start({ nodeUser: true });
afterAll(() => server.stop());

const NAMES = ["a", "b"] as const;
/** Of all kinds: those of numbers stand in an index otherwise. */
const SIZES = [1, 2, "big", true] as const;
const ENTITIES = 3;

const fields = fc.option(
  fc.record({ name: fc.constantFrom(...NAMES), size: fc.constantFrom(...SIZES) }, { requiredKeys: [] }),
  { freq: 6 },
);
/** What the caller remembers: what is so, something else, nothing; or it comes too late; or it brings no row. */
const kinds = fc.constantFrom("right", "right", "right", "wrong", "nothing", "late", "none", "same");
const commits = fc.record({ entity: fc.nat(ENTITIES - 1), kind: kinds, fields, other: fields });
const calls = fc.array(fc.array(commits, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 });

type Wanted = typeof commits extends fc.Arbitrary<infer T> ? T : never;

interface Kept {
  readonly entity: Entity;
  row: Fields | null;
}

async function commitCall(client: Client, view: ViewKey, kept: readonly Kept[], call: readonly Wanted[]) {
  const expected: string[] = [];
  const made = call.map(({ entity: i, kind, fields, other }) => {
    const one = kept[i];
    if (one === undefined) throw new Error("no such entity");
    const { entity, row } = one;
    if (kind === "late") {
      expected.push(entity.head.version === 0 ? "committed" : "conflict");
      const late = entity.commit([changeOf(view, fields, row)], { expected: { version: 0, commitId: "" } });
      if (entity.head.version > 0) return late;
      entity.head = { version: 1, commitId: late.commitId };
      one.row = fields;
      return late;
    }
    const step = {
      right: () => changeOf(view, fields, row),
      wrong: () => changeOf(view, fields, other),
      nothing: () => stepOf(view, fields),
      same: () => stepOf(view, row, "same"),
      none: () => undefined,
    }[kind]();
    const commit = entity.commit(step === undefined ? undefined : [step]);
    entity.head = { version: entity.head.version + 1, commitId: commit.commitId };
    if (kind !== "none" && kind !== "same") one.row = fields;
    expected.push("committed");
    return commit;
  });
  const results = await client.store.commit(made, client.deadline());
  expect(results.map(({ kind }) => kind)).toEqual(expected);
}

/** By both fields, or by the one of which the script must look at nothing that is remembered, where all are numbers. */
const schemas = fc.constantFrom("1.name.size", "1.size");

async function check(client: Client, view: ViewKey, kept: readonly Kept[]): Promise<void> {
  const rows = kept.flatMap(({ entity, row }) => (row === null ? [] : [{ id: entity.key.id, row }]));
  expect(await client.count(view)).toBe(rows.length);
  for (const { entity, row } of kept) expect(await client.row(view, entity)).toEqual(row);
  for (const [field, values] of [["name", NAMES] as const, ["size", SIZES] as const]) {
    if (!fieldsOf(view.schema).includes(field)) continue;
    for (const value of values) {
      const having = rows
        .filter(({ row }) => row[field] === value)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const span = { from: value, to: value };
      expect(await client.find(view, field, span)).toEqual(having.map(({ row }) => row));
      expect(await client.count(view, field, span)).toBe(having.length);
    }
  }
}

for (const backend of [memoryViews(), redisViews(server.nodeUrl)]) {
  test(`rows and indexes are as a model says, whatever a caller remembers (${backend.name})`, async () => {
    const { store, views } = await backend.open();
    try {
      const client = new Client(store, views, backend.clock);
      const run = fc.asyncProperty(schemas, calls, async (schema, all) => {
        const view = { ...newView(), schema };
        await client.ready(view);
        const kept = Array.from({ length: ENTITIES }, (): Kept => ({ entity: client.entity(), row: null }));
        for (const call of all) {
          await commitCall(client, view, kept, call);
          await check(client, view, kept);
        }
      });
      await fc.assert(run, { numRuns: rounds(60, 1_500) });
    } finally {
      await Promise.all([store.close(), views.close()]);
      await backend.close();
    }
  });
}

/** A row in the index, one that is not in it, and none. */
const STATES: readonly (Fields | null)[] = [...SIZES.map((size) => ({ size })), {}, null];

for (const backend of [memoryViews(), redisViews(server.nodeUrl)]) {
  test(`each kind of value takes the place of each, whatever was remembered (${backend.name})`, async () => {
    const { store, views } = await backend.open();
    try {
      const client = new Client(store, views, backend.clock);
      const view = { ...newView(), schema: "1.size" };
      await client.ready(view);
      for (const stored of STATES) {
        for (const remembered of [...STATES, undefined]) {
          for (const fields of STATES) {
            const entity = client.entity();
            await entity.write([stepOf(view, stored)]);
            await entity.write([
              remembered === undefined ? stepOf(view, fields) : changeOf(view, fields, remembered),
            ]);
            await check(client, view, [{ entity, row: fields }]);
            await entity.write([stepOf(view, null)]);
            expect(await client.find(view, "size")).toEqual([]);
          }
        }
      }
    } finally {
      await Promise.all([store.close(), views.close()]);
      await backend.close();
    }
  });
}

test("more rows than Lua hands to one command are all there, and in the list of entities too", async () => {
  const backend = redisViews(server.nodeUrl);
  const { store, views } = await backend.open();
  try {
    const client = new Client(store, views, backend.clock);
    const view = { ...newView(), schema: "1.size" };
    await client.ready(view);
    const entities = Array.from({ length: 4_010 }, () => client.entity());
    const commits = entities.map((entity, size) => entity.commit([stepOf(view, { size })]));
    const results = await store.commit(commits, client.deadline());
    expect(results.map(({ kind }) => kind)).toEqual(commits.map(() => "committed"));
    expect([await client.count(view), await client.count(view, "size")]).toEqual([4_010, 4_010]);
    const listed = await store.list(0, "", 10_000, client.deadline());
    expect(listed.kind === "listed" && listed.entities.length).toBe(4_010);
  } finally {
    await Promise.all([store.close(), views.close()]);
    await backend.close();
  }
});
