// Loads and reads: what comes, in what pages.

import assert from "node:assert/strict";
import type { StoredRecord } from "../../core/record.ts";
import type { EntityKey } from "../../ports/event-store.ts";
import { type Client, commitOf, newKey, recordsOf, start } from "./client.ts";
import { law } from "./law.ts";

const versionsOf = (records: readonly StoredRecord[]): readonly number[] =>
  records.map(({ version }) => version);

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);

async function filled(client: Client, count: number): Promise<EntityKey> {
  const key = newKey();
  await client.write(commitOf(key, start, { records: recordsOf(count) }));
  return key;
}

export const readingLaws = [
  law("a long log is loaded in part, and says that there is more; reads bring the rest", async (client) => {
    const key = await filled(client, 300);
    const { records, more } = await client.load(key);
    assert.ok(more, "more");
    assert.ok(records.length >= 1 && records.length <= 128, `${records.length} records`);
    const rest = await client.read(key, records.length + 1, 1_000);
    assert.deepEqual([...versionsOf(records), ...versionsOf(rest.records)], range(1, 300));
    assert.equal(rest.more, false);
  }),

  law(
    "where a load says that there is no more, there is no more, at every length around a page",
    async (client) => {
      for (const count of [1, 2, 127, 128, 129]) {
        const key = await filled(client, count);
        const { records, more } = await client.load(key);
        if (!more) assert.equal(records.length, count);
        const rest = await client.read(key, records.length + 1, 1_000);
        assert.deepEqual(
          [...versionsOf(records), ...versionsOf(rest.records)],
          range(1, count),
          `${count} records`,
        );
      }
    },
  ),

  law("a read begins at its version and ends at its limit, or at the end", async (client) => {
    const key = await filled(client, 10);
    const cases = [
      { from: 1, limit: 3, to: 3 },
      { from: 4, limit: 1, to: 4 },
      { from: 4, limit: 4, to: 7 },
      { from: 7, limit: 4, to: 10 },
      { from: 7, limit: 10_000, to: 10 },
      { from: 10, limit: 5, to: 10 },
      { from: 11, limit: 5, to: 10 },
      { from: 999, limit: 5, to: 10 },
    ];
    for (const { from, limit, to } of cases) {
      const { records, more, snapshot } = await client.read(key, from, limit);
      assert.deepEqual(versionsOf(records), range(from, to), `${limit} from ${from}`);
      assert.equal(snapshot, null);
      if (to < 10) assert.ok(more, `${limit} from ${from}: there is more`);
      if (records.length < limit) assert.ok(!more, `${limit} from ${from}: there is no more`);
    }
  }),

  law("a read of 10,000 records brings them all", async (client) => {
    const key = newKey();
    let head = start;
    for (let i = 0; i < 10; i++)
      head = await client.write(commitOf(key, head, { records: recordsOf(1_000) }));
    assert.deepEqual(versionsOf((await client.read(key, 1, 10_000)).records), range(1, 10_000));
  }),

  law("a read of an entity without records brings none", async (client) => {
    const { records, more } = await client.read(newKey(), 1, 10);
    assert.deepEqual(records, []);
    assert.equal(more, false);
  }),

  law(
    "what was trimmed is not read: loads and reads begin at the first record that is kept",
    async (client, { backend }) => {
      const key = await filled(client, 10);
      await backend.trim(key, 6);
      assert.deepEqual(versionsOf((await client.load(key)).records), range(6, 10));
      assert.deepEqual(versionsOf((await client.read(key, 1, 3)).records), range(6, 8));
      assert.deepEqual(versionsOf((await client.read(key, 7, 2)).records), [7, 8]);
    },
  ),
];
