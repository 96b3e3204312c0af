// The end of an entity: one record is left, and nobody who remembers more can go on from it.

import assert from "node:assert/strict";
import { DESTROYED_RECORD } from "../../core/record.ts";
import type { Commit, EntityKey } from "../../ports/event-store.ts";
import { type Client, commitOf, type Head, look, newKey, receipt, recordsOf } from "./client.ts";
import { law } from "./law.ts";

const SCHEMA = 1;

function ending(key: EntityKey, head: Head): Commit {
  const records = [{ messageId: "the-end", event: DESTROYED_RECORD, reply: "" }];
  return commitOf(key, head, { records, destroy: true });
}

async function destroyed(client: Client, count = 4) {
  const key = newKey();
  const before = await client.append(key, count);
  const commit = ending(key, before);
  return { key, before, commit, head: await client.write(commit) };
}

export const destroyingLaws = [
  law("a commit that destroys leaves its record alone, at the next version", async (client) => {
    const { key } = await destroyed(client, 4);
    const records = await client.history(key);
    assert.deepEqual(
      records.map(({ version, event }) => [version, event]),
      [[5, DESTROYED_RECORD]],
    );
  }),

  law("of several records of one commit the last one is left", async (client) => {
    const key = newKey();
    const before = await client.append(key, 1);
    const end = { messageId: "the-end", event: DESTROYED_RECORD, reply: "" };
    await client.write(commitOf(key, before, { records: [...recordsOf(2), end], destroy: true }));
    const [only, ...others] = await client.history(key);
    assert.deepEqual([only?.version, only?.event, others.length], [4, DESTROYED_RECORD, 0]);
  }),

  law("the snapshot goes with it", async (client) => {
    const key = newKey();
    const snapshot = { version: 2, schema: SCHEMA, state: '"two"' };
    const head = await client.write(
      commitOf(key, { version: 0, commitId: "" }, { records: recordsOf(2), snapshot }),
    );
    await client.write(ending(key, head));
    const { snapshot: left, records } = await client.load(key, SCHEMA);
    assert.equal(left, null);
    assert.equal(records.length, 1);
  }),

  law("an entity without records can be destroyed", async (client) => {
    const key = newKey();
    await client.write(ending(key, { version: 0, commitId: "" }));
    assert.deepEqual(
      (await client.history(key)).map(({ version }) => version),
      [1],
    );
  }),

  law("one that comes second destroys nothing", async (client) => {
    const key = newKey();
    const old = await client.append(key, 2);
    await client.append(key, 1, old);
    assert.equal((await client.commit(ending(key, old))).kind, "conflict");
    assert.equal((await client.history(key)).length, 3);
  }),

  law("tried again it is recognised", async (client) => {
    const { commit, head } = await destroyed(client);
    const again = await client.commit(commit);
    assert.ok(again.kind === "committed" && again.already);
    assert.equal((await client.history(commit.key)).length, 1);
    await client.write(commitOf(commit.key, head, { records: [] }));
  }),

  law("whoever remembers a version before it must load afresh", async (client) => {
    for (const count of [1, 4]) {
      const { key, before } = await destroyed(client, count);
      assert.deepEqual(await client.commit(commitOf(key, before)), { kind: "reload" });
      assert.deepEqual(await client.commit(commitOf(key, before, { records: [] })), { kind: "reload" });
      assert.deepEqual(await client.commit(ending(key, before)), { kind: "reload" });
      const first = await client.commit(commitOf(key, { version: 0, commitId: "" }));
      assert.ok(
        first.kind === "conflict" && first.missed[0]?.event === DESTROYED_RECORD,
        JSON.stringify(first),
      );
    }
  }),

  law("forgetting takes the receipts of callers' keys of that entity, and no others", async (client) => {
    const { key, head } = await destroyed(client);
    const other = newKey();
    const mine = [
      receipt("a"),
      receipt("b*"),
      receipt("a", '"m"', { kind: "m" }),
      receipt("a", '"t"', { kind: "t" }),
    ];
    await client.write(commitOf(key, head, { records: [], receipts: mine }));
    await client.write(
      commitOf(other, { version: 0, commitId: "" }, { records: [], receipts: [receipt("a")] }),
    );
    const found = async (of: EntityKey, at: Head): Promise<readonly string[]> => {
      const receipts = [look("a"), look("b*"), look("a", "m"), look("a", "t")];
      const result = await client.commit(commitOf(of, at, { records: [], receipts }));
      return result.kind === "duplicate" ? result.found.map(({ value }) => value) : [];
    };
    assert.deepEqual(await found(key, head), ['"a"', '"b*"', '"m"', '"t"']);
    assert.deepEqual(await client.store.forget(key, client.deadline), { kind: "done" });
    assert.deepEqual(await found(key, head), ['"m"', '"t"']);
    assert.deepEqual(await found(other, { version: 0, commitId: "" }), ['"a"']);
  }),
];
