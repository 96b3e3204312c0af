// Which entities there are.

import assert from "node:assert/strict";
import { DESTROYED_RECORD } from "../../core/record.ts";
import type { EntityKey } from "../../ports/event-store.ts";
import { type Client, commitOf, newKey, receipt, start } from "./client.ts";
import { law } from "./law.ts";

/** Those of `keys` that are listed: others may have written in the partition. */
async function listed(client: Client, keys: readonly EntityKey[], page = 10_000): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after = ""; ; ) {
    const answer = await client.store.list(keys[0]?.partition ?? 0, after, page, client.deadline);
    assert.ok(answer.kind === "listed", JSON.stringify(answer));
    assert.ok(answer.entities.length <= page);
    const last = answer.entities.at(-1);
    if (last === undefined) return found;
    assert.ok(last.id > after, "each page begins behind the last one");
    after = last.id;
    for (const { id, type } of answer.entities)
      if (keys.some((key) => key.id === id)) found.push(`${id} ${type}`);
  }
}

export const listingLaws = [
  law("an entity is listed from its first record on, once, by the type of that", async (client) => {
    const key = newKey();
    await client.write(commitOf(key, start, { records: [], receipts: [receipt("only looked")] }));
    assert.deepEqual(await listed(client, [key]), []);
    const first = commitOf(key, start, { type: "law.first" });
    const head = await client.write(first);
    await client.commit(first);
    await client.commit(commitOf(key, start, { type: "lost" }));
    await client.write(commitOf(key, head, { type: "renamed" }));
    assert.deepEqual(await listed(client, [key]), [`${key.id} law.first`]);
  }),

  law("many come in pages, in the order of their ids, each once, whatever the page", async (client) => {
    const keys = Array.from({ length: 25 }, () => newKey(1));
    for (const key of keys) await client.append(key, 1);
    const expected = keys.map(({ id }) => `${id} law`).sort();
    for (const page of [1, 7, 25, 10_000]) assert.deepEqual(await listed(client, keys, page), expected);
  }),

  law("one that was destroyed is not listed, nor one that was destroyed before it was", async (client) => {
    const key = newKey();
    const other = newKey();
    const never = newKey();
    const records = [{ messageId: "the-end", event: DESTROYED_RECORD, reply: "" }];
    const head = await client.append(key, 2);
    await client.append(other, 1);
    await client.write(commitOf(key, head, { records, destroy: true }));
    await client.write(commitOf(never, start, { records, destroy: true }));
    assert.deepEqual(await listed(client, [key, other, never]), [`${other.id} law`]);
  }),

  law("a partition without entities lists none", async (client, { backend }) => {
    const answer = await client.store.list(
      backend.partitions - 1,
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
      5,
      client.deadline,
    );
    assert.deepEqual(answer, { kind: "listed", entities: [] });
  }),
];
