// What retention may take away.

import assert from "node:assert/strict";
import type { EntityKey, Trimmed } from "../../ports/event-store.ts";
import { type Client, commitOf, newKey, recordsOf, start } from "./client.ts";
import { law } from "./law.ts";

const LATER = Number.MAX_SAFE_INTEGER;
const trimmed = (left: Extract<Trimmed, { kind: "trimmed" }>["left"]): Trimmed => ({ kind: "trimmed", left });

/** So many records, and a snapshot of the version `at`. */
async function snapshotted(client: Client, count: number, at: number): Promise<EntityKey> {
  const key = newKey();
  const snapshot = { version: at, schema: 1, state: `"state ${at}"` };
  const head = await client.write(commitOf(key, start, { records: recordsOf(at), snapshot }));
  if (count > at) await client.write(commitOf(key, head, { records: recordsOf(count - at) }));
  return key;
}

async function versions(client: Client, key: EntityKey): Promise<readonly [first: number, last: number]> {
  const records = await client.history(key);
  return [records[0]?.version ?? 0, records.at(-1)?.version ?? 0];
}

const trim = (client: Client, key: EntityKey, below: number, before = LATER): Promise<Trimmed> =>
  client.store.trim({ key, below, before }, client.deadline);

export const trimmingLaws = [
  law("records below the version go, the others stay, and a load is as before", async (client) => {
    const key = await snapshotted(client, 12, 10);
    const before = await client.load(key, 1);
    assert.deepEqual(await trim(client, key, 7), trimmed("done"));
    assert.deepEqual(await versions(client, key), [7, 12]);
    assert.deepEqual(await client.load(key, 1), before);
    assert.deepEqual(await trim(client, key, 7), trimmed("done"));
  }),

  law("never beyond the snapshot's own record", async (client) => {
    const key = await snapshotted(client, 12, 10);
    assert.deepEqual(await trim(client, key, 1_000), trimmed("done"));
    assert.deepEqual(await versions(client, key), [10, 12]);
  }),

  law("nothing without a snapshot, and nothing with one of another log", async (client, { backend }) => {
    const none = newKey();
    await client.append(none, 5);
    assert.deepEqual(await trim(client, none, 4), trimmed("done"));
    assert.deepEqual(await versions(client, none), [1, 5]);
    const lost = await snapshotted(client, 10, 10);
    await backend.rollBack(lost, 9);
    assert.deepEqual(await trim(client, lost, 9), trimmed("done"));
    const [first] = (await client.history(lost)).slice(-1);
    assert.ok(first);
    await client.append(lost, 3, { version: 9, commitId: first.commitId });
    assert.deepEqual(await trim(client, lost, 9), trimmed("done"));
    assert.deepEqual(await versions(client, lost), [1, 12]);
  }),

  law("what is not older than the time stays, and is told to be young", async (client) => {
    const key = await snapshotted(client, 400, 400);
    const [first] = await client.history(key);
    assert.ok(first);
    assert.deepEqual(await trim(client, key, 300, first.at), trimmed("young"));
    assert.deepEqual(await versions(client, key), [1, 400]);
    assert.deepEqual(await trim(client, key, 300, first.at + 60_000), trimmed("done"));
    assert.deepEqual(await versions(client, key), [300, 400]);
  }),

  law("many go, in as many calls as it takes", async (client) => {
    const key = await snapshotted(client, 5_000, 5_000);
    let calls = 1;
    for (let answer = await trim(client, key, 4_990); ; answer = await trim(client, key, 4_990), calls++) {
      assert.ok(answer.kind === "trimmed" && calls < 100, JSON.stringify(answer));
      if (answer.left === "done") break;
      assert.equal(answer.left, "more");
    }
    assert.deepEqual(await versions(client, key), [4_990, 5_000]);
  }),

  law("commits go on at the head, and whoever remembers what went loads afresh", async (client) => {
    const key = newKey();
    const old = await client.append(key, 2);
    const snapshot = { version: 10, schema: 1, state: '"ten"' };
    const head = await client.write(commitOf(key, old, { records: recordsOf(8), snapshot }));
    await trim(client, key, 10);
    assert.deepEqual(await client.commit(commitOf(key, old)), { kind: "reload" });
    await client.write(commitOf(key, head));
  }),

  law("an entity that has no records has none to lose", async (client) => {
    assert.deepEqual(await trim(client, newKey(), 10), trimmed("done"));
  }),
];
