// What a commit writes, and that it writes all of it or nothing.

import assert from "node:assert/strict";
import { commitOf, look, newKey, receipt, recordsOf, start } from "./client.ts";
import { law } from "./law.ts";

export const appendingLaws = [
  law("an entity without records loads as nothing, at version 0", async (client) => {
    const loaded = await client.load(newKey(), 1);
    assert.deepEqual(loaded, { kind: "loaded", snapshot: null, records: [], more: false });
  }),

  law("a commit at version 0 writes its records, each with all that was given", async (client) => {
    const key = newKey();
    const commit = commitOf(key, start, { type: "account", records: recordsOf(2) });
    const result = await client.commit(commit);
    assert.ok(result.kind === "committed" && !result.already, JSON.stringify(result));
    const expected = commit.records.map((record, i) => ({
      version: i + 1,
      at: result.at,
      commitId: commit.commitId,
      type: "account",
      ...record,
    }));
    assert.deepEqual(await client.history(key), expected);
  }),

  law("another client reads what was committed, at once", async (client, stage) => {
    const key = newKey();
    const other = await stage.open();
    for (let version = 1, head = start; version <= 20; version++) {
      head = await client.append(key, 1, head);
      assert.equal((await other.load(key)).records.length, version);
    }
  }),

  law("versions are contiguous over many commits of one and of several records", async (client) => {
    const key = newKey();
    let head = start;
    for (const count of [1, 3, 1, 7, 2]) {
      head = await client.write(commitOf(key, head, { records: recordsOf(count) }));
    }
    const versions = (await client.history(key)).map(({ version }) => version);
    assert.deepEqual(
      versions,
      Array.from({ length: 14 }, (_, i) => i + 1),
    );
  }),

  law("1,000 records in one commit are written, in order", async (client) => {
    const key = newKey();
    const commit = commitOf(key, start, { records: recordsOf(1_000) });
    await client.write(commit);
    const events = (await client.history(key)).map(({ event }) => event);
    assert.deepEqual(
      events,
      commit.records.map(({ event }) => event),
    );
  }),

  law(
    "a commit without records compares, writes its receipts, and leaves the records alone",
    async (client) => {
      const key = newKey();
      const head = await client.append(key, 2);
      await client.write(commitOf(key, head, { records: [], receipts: [receipt("empty")] }));
      assert.equal((await client.history(key)).length, 2);
      const asked = await client.commit(commitOf(key, head, { records: [], receipts: [look("empty")] }));
      assert.equal(asked.kind, "duplicate");
    },
  ),

  law("a commit without records compares at version 0 too", async (client) => {
    const key = newKey();
    await client.write(commitOf(key, start, { records: [] }));
    assert.deepEqual(await client.history(key), []);
    await client.append(key, 1);
    assert.equal((await client.commit(commitOf(key, start, { records: [] }))).kind, "conflict");
  }),

  law("a commit without records on a log that went on is a conflict", async (client) => {
    const key = newKey();
    const head = await client.append(key, 1);
    await client.append(key, 1, head);
    assert.equal((await client.commit(commitOf(key, head, { records: [] }))).kind, "conflict");
  }),

  law("a commit that is not written leaves nothing: no record, no receipt, no snapshot", async (client) => {
    const key = newKey();
    const old = await client.append(key, 1);
    await client.append(key, 1, old);
    const receipts = [receipt("left-over")];
    const snapshot = { version: 4, schema: 7, state: '"left over"' };
    const lost = commitOf(key, old, { records: recordsOf(3), receipts, snapshot });
    assert.equal((await client.commit(lost)).kind, "conflict");
    const diverged = commitOf(key, { version: 2, commitId: "other" }, { receipts, snapshot });
    assert.equal((await client.commit(diverged)).kind, "diverged");
    const loaded = await client.load(key, 7);
    assert.equal(loaded.records.length, 2);
    assert.equal(loaded.snapshot, null);
    const head = { version: 2, commitId: loaded.records[1]?.commitId ?? "" };
    await client.write(commitOf(key, head, { records: [], receipts: [look("left-over")] }));
  }),
];
