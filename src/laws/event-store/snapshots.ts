// Snapshots: written with the commit, used only where they are of this log.

import assert from "node:assert/strict";
import type { EntityKey } from "../../ports/event-store.ts";
import { type Client, commitOf, type Head, newKey, recordsOf } from "./client.ts";
import { law } from "./law.ts";

const SCHEMA = 3;

interface Snapshotted {
  readonly key: EntityKey;
  readonly before: Head;
  /** Of the commit that brought the snapshot. */
  readonly head: Head;
  readonly state: string;
}

/** Three records, then a commit of two with a snapshot at version 5. */
async function snapshotted(client: Client): Promise<Snapshotted> {
  const key = newKey();
  const before = await client.append(key, 3);
  const state = '{"count":5,"of":["ä","[]",{}]}';
  const snapshot = { version: 5, schema: SCHEMA, state };
  const head = await client.write(commitOf(key, before, { records: recordsOf(2), snapshot }));
  return { key, before, head, state };
}

/** That a load takes the records alone, from the first one. */
async function ignored(client: Client, key: EntityKey, schema: number | null, count: number): Promise<void> {
  const loaded = await client.load(key, schema);
  assert.equal(loaded.snapshot, null);
  assert.deepEqual(
    loaded.records.map(({ version }) => version),
    Array.from({ length: count }, (_, i) => i + 1),
  );
}

export const snapshotLaws = [
  law("a load begins at the snapshot, with the record there", async (client) => {
    const { key, head, state } = await snapshotted(client);
    const expected = { version: 5, commitId: head.commitId, schema: SCHEMA, state };
    const fresh = await client.load(key, SCHEMA);
    assert.deepEqual(fresh.snapshot, expected);
    assert.deepEqual(fresh.records, (await client.history(key)).slice(4));
    await client.append(key, 2, head);
    const later = await client.load(key, SCHEMA);
    assert.deepEqual(later.snapshot, expected);
    assert.deepEqual(later.records, (await client.history(key)).slice(4));
  }),

  law("the newest snapshot takes the older one's place", async (client) => {
    const { key, head } = await snapshotted(client);
    const snapshot = { version: 6, schema: SCHEMA, state: '"six"' };
    const newest = await client.write(commitOf(key, head, { snapshot }));
    const loaded = await client.load(key, SCHEMA);
    assert.deepEqual(loaded.snapshot, {
      version: 6,
      commitId: newest.commitId,
      schema: SCHEMA,
      state: '"six"',
    });
    assert.equal(loaded.records.length, 1);
  }),

  law("a snapshot of another form is not used, nor any where none is asked for", async (client) => {
    const { key } = await snapshotted(client);
    await ignored(client, key, SCHEMA + 1, 5);
    await ignored(client, key, SCHEMA - 1, 5);
    await ignored(client, key, 30, 5);
    await ignored(client, key, null, 5);
  }),

  law(
    "a snapshot of a lower form is used where such ones can be read, and says of which it is",
    async (client) => {
      const { key, head, state } = await snapshotted(client);
      const expected = { version: 5, commitId: head.commitId, schema: SCHEMA, state };
      for (const form of [SCHEMA, SCHEMA + 1, SCHEMA + 10, 30]) {
        const { snapshot, records } = await client.load(key, form, true);
        assert.deepEqual(snapshot, expected);
        assert.equal(records[0]?.version, 5);
      }
      const higher = await client.load(key, SCHEMA - 1, true);
      assert.equal(higher.snapshot, null);
      assert.equal(higher.records.length, 5);
    },
  ),

  law("a snapshot beyond the end of the log is not used", async (client, { backend }) => {
    const { key } = await snapshotted(client);
    await backend.rollBack(key, 3);
    await ignored(client, key, SCHEMA, 3);
  }),

  law(
    "a snapshot of a commit that was rolled back is not used, however the log grew since",
    async (client, { backend }) => {
      const { key, before } = await snapshotted(client);
      await backend.rollBack(key, 3);
      const other = await client.append(key, 2, before);
      await ignored(client, key, SCHEMA, 5);
      await client.append(key, 2, other);
      await ignored(client, key, SCHEMA, 7);
    },
  ),

  law(
    "a snapshot whose own record was trimmed is used where the next record follows on it",
    async (client, { backend }) => {
      const { key, head, state } = await snapshotted(client);
      await client.append(key, 2, head);
      await backend.trim(key, 6);
      const loaded = await client.load(key, SCHEMA);
      assert.deepEqual(loaded.snapshot, { version: 5, commitId: head.commitId, schema: SCHEMA, state });
      assert.deepEqual(
        loaded.records.map(({ version }) => version),
        [6, 7],
      );
    },
  ),

  law(
    "a snapshot is not used where records between it and the first one that is kept are gone",
    async (client, { backend }) => {
      const { key, head } = await snapshotted(client);
      await client.append(key, 4, head);
      await backend.trim(key, 8);
      const loaded = await client.load(key, SCHEMA);
      assert.equal(loaded.snapshot, null);
      assert.deepEqual(
        loaded.records.map(({ version }) => version),
        [8, 9],
      );
    },
  ),

  law("a long tail after a snapshot comes in pages", async (client) => {
    const { key, head } = await snapshotted(client);
    await client.write(commitOf(key, head, { records: recordsOf(300) }));
    const { snapshot, records, more } = await client.load(key, SCHEMA);
    assert.equal(snapshot?.version, 5);
    assert.equal(records[0]?.version, 5);
    assert.ok(more && records.length <= 128);
  }),
];
