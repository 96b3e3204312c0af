// A commit whose answer was lost is tried again: it is recognised, and done once.

import assert from "node:assert/strict";
import type { Commit } from "../../ports/event-store.ts";
import { type Client, commitOf, look, newKey, receipt, recordsOf, start } from "./client.ts";
import { law } from "./law.ts";

async function recognised(client: Client, commit: Commit, when: string): Promise<void> {
  const result = await client.commit(commit);
  assert.ok(result.kind === "committed" && result.already, `${when}: ${JSON.stringify(result)}`);
}

export const repeatingLaws = [
  law(
    "a commit that is tried again is already done, and its records are there once",
    async (client, stage) => {
      const key = newKey();
      const commit = commitOf(key, start, { records: recordsOf(3) });
      await client.write(commit);
      await recognised(client, commit, "at once");
      await recognised(await stage.open(), commit, "by another client");
      assert.equal((await client.history(key)).length, 3);
    },
  ),

  law("a commit at a version above 0 that is tried again is already done", async (client) => {
    const key = newKey();
    const commit = commitOf(key, await client.append(key, 3));
    await client.write(commit);
    await recognised(client, commit, "at once");
    assert.equal((await client.history(key)).length, 4);
  }),

  law(
    "a commit that is tried again is already done after others came later, however many",
    async (client) => {
      const key = newKey();
      const commit = commitOf(key, await client.append(key, 1), { records: recordsOf(2) });
      const head = await client.write(commit);
      await client.write(commitOf(key, head, { records: recordsOf(300) }));
      await recognised(client, commit, "after 300 records");
    },
  ),

  law(
    "a commit that is tried again is already done where the record that it was compared with was trimmed",
    async (client, stage) => {
      const key = newKey();
      const commit = commitOf(key, await client.append(key, 2));
      await client.append(key, 2, await client.write(commit));
      await stage.backend.trim(key, 3);
      await recognised(client, commit, "its own record is the first one");
    },
  ),

  law("a commit of receipts alone that is tried again is already done", async (client) => {
    const key = newKey();
    const head = await client.append(key, 1);
    const commit = commitOf(key, head, { records: [], receipts: [look("seen"), receipt("rejected")] });
    await client.write(commit);
    await recognised(client, commit, "at once");
    await client.append(key, 2, head);
    await recognised(client, commit, "after more commits");
  }),

  law("a commit with records and receipts that is tried again is already done", async (client) => {
    const key = newKey();
    const commit = commitOf(key, start, { receipts: [receipt("paid")], records: recordsOf(2) });
    const head = await client.write(commit);
    await recognised(client, commit, "at once");
    await client.append(key, 200, head);
    await recognised(client, commit, "after more commits");
  }),

  law(
    "already goes before duplicate: a commit that is there is not told of another's receipt",
    async (client) => {
      const key = newKey();
      const commit = commitOf(key, start, { receipts: [look("later")] });
      const head = await client.write(commit);
      await client.write(commitOf(key, head, { records: [], receipts: [receipt("later")] }));
      await recognised(client, commit, "known by its record");
      const other = newKey();
      const mixed = commitOf(other, start, { records: [], receipts: [look("later"), receipt("own")] });
      await client.write(mixed);
      await client.write(commitOf(other, start, { records: [], receipts: [receipt("later")] }));
      await recognised(client, mixed, "known by its receipt");
    },
  ),

  law("a commit that was refused may be tried again, and is not taken for done", async (client) => {
    const key = newKey();
    const head = await client.append(key, 1);
    const commit = commitOf(key, start);
    assert.equal((await client.commit(commit)).kind, "conflict");
    assert.equal((await client.commit(commit)).kind, "conflict");
    await client.write({ ...commit, expected: head });
  }),

  law(
    "a commit that was rolled back with the log is written when it is tried again",
    async (client, stage) => {
      const key = newKey();
      const commit = commitOf(key, await client.append(key, 1));
      await client.write(commit);
      await stage.backend.rollBack(key, 1);
      await client.write(commit);
      assert.equal((await client.history(key)).length, 2);
    },
  ),
];
