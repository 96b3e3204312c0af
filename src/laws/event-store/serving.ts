// The store as a service: its clock, its lanes, its deadlines, its end, and what it does with foreign data.

import assert from "node:assert/strict";
import { asLoaded, commitOf, newKey, receipt, recordsOf, start } from "./client.ts";
import { law } from "./law.ts";

/** What the hash tag rule of Redis Cluster takes of a key: keys that share it are in one slot. */
function hashTag(key: string): string {
  const open = key.indexOf("{");
  const close = key.indexOf("}", open + 1);
  return open < 0 || close <= open + 1 ? key : key.slice(open + 1, close);
}

export const servingLaws = [
  law("the time of an entity's records never goes back", async (client, stage) => {
    const key = newKey();
    const other = await stage.open();
    let head = start;
    for (let i = 0; i < 100; i++) head = await (i % 2 === 0 ? client : other).append(key, 1, head);
    const times = (await client.history(key)).map(({ at }) => at);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok(times.every((at) => Number.isSafeInteger(at)));
  }),

  law("now() is the time of the last commit, and what has passed since", async (client, { backend }) => {
    const before = backend.clock.monotonicMs();
    const result = await client.commit(commitOf(newKey(), start));
    const now = client.store.now();
    const passed = backend.clock.monotonicMs() - before;
    assert.ok(result.kind === "committed");
    // Whole milliseconds on both sides: one may be lost to rounding.
    assert.ok(
      now >= result.at - 1 && now <= result.at + passed + 1,
      `now ${now}, at ${result.at}, ${passed} ms`,
    );
  }),

  law("now() is right before the first commit", async (client, stage) => {
    const fresh = await stage.open();
    const now = fresh.store.now();
    const result = await client.commit(commitOf(newKey(), start));
    assert.ok(result.kind === "committed" && Math.abs(result.at - now) < 5_000, `now ${now}`);
  }),

  law("the lane of a partition is the same at all times and for all clients", async (client, stage) => {
    const partitions = Array.from({ length: stage.backend.partitions }, (_, p) => p);
    const lanes = partitions.map((p) => client.store.lane(p));
    const other = await stage.open();
    await client.append(newKey(), 1);
    assert.deepEqual(
      partitions.map((p) => client.store.lane(p)),
      lanes,
    );
    assert.deepEqual(
      partitions.map((p) => other.store.lane(p)),
      lanes,
    );
    assert.ok(lanes.every((lane) => Number.isSafeInteger(lane) && lane >= 0));
    assert.ok(Number.isSafeInteger(client.store.calls) && client.store.calls >= 1);
  }),

  law("entities of every partition can be written and read", async (client, { backend }) => {
    for (let partition = 0; partition < backend.partitions; partition++) {
      const key = newKey(partition);
      await client.append(key, 1);
      assert.equal((await client.load(key)).records.length, 1);
    }
  }),

  law("all that one commit touches is on one server, in every partition", async (_client, { backend }) => {
    assert.ok(backend.keysOf, "the backend tells its keys, or says why it has none");
    for (let partition = 0; partition < backend.partitions; partition++) {
      const receipts = [receipt("{other}:key"), receipt("m", '""', { kind: "m" })];
      const snapshot = { version: 1, schema: 1, state: "0" };
      const keys: readonly string[] = backend.keysOf(
        commitOf(newKey(partition), start, { receipts, snapshot }),
      );
      assert.ok(keys.length >= 4, "records, snapshot and two receipts");
      assert.equal(new Set(keys.map(hashTag)).size, 1, keys.join(", "));
    }
  }),

  law(
    "a deadline that has passed is answered at once, with a value, and nothing is written",
    async (client, { backend }) => {
      const key = newKey();
      const begun = backend.clock.monotonicMs();
      const past = begun - 1;
      const [result] = await client.store.commit([commitOf(key, start)], past);
      assert.equal(result?.kind, "unavailable", JSON.stringify(result));
      const [loaded] = await client.store.load([{ key, schema: null }], past);
      assert.equal(loaded?.kind, "unavailable");
      assert.equal((await client.store.read(key, 1, 10, past)).kind, "unavailable");
      assert.ok(backend.clock.monotonicMs() - begun < 6_000);
      assert.deepEqual(await client.history(key), []);
    },
  ),

  law("a store that is closed answers with values, and can be closed again", async (client, stage) => {
    const closed = await stage.open();
    const key = newKey();
    const underWay = closed.commit(commitOf(key, start));
    await closed.store.close();
    const kinds = ["committed", "unavailable", "unknown"];
    assert.ok(kinds.includes((await underWay).kind), "what was under way is answered");
    assert.equal((await closed.commit(commitOf(newKey(), start))).kind, "unavailable");
    const [loaded] = await closed.store.load([{ key, schema: null }], closed.deadline);
    assert.equal(loaded?.kind, "unavailable");
    assert.equal((await closed.store.read(key, 1, 10, closed.deadline)).kind, "unavailable");
    await closed.store.close();
    await client.append(newKey(), 1);
  }),

  law(
    "foreign data in place of the records is refused and unreadable, and hurts nobody else",
    async (client, { backend }) => {
      assert.ok(backend.spoil, "the backend can be spoilt, or says why not");
      const spoilt = newKey();
      const sound = newKey();
      await client.append(spoilt, 1);
      await backend.spoil(spoilt, "records");
      const receipts = [receipt("none")];
      const [refused, written] = await client.call([
        commitOf(spoilt, start, { receipts }),
        commitOf(sound, start),
      ]);
      assert.equal(refused?.kind, "refused");
      assert.equal(written?.kind, "committed");
      const requests = [spoilt, sound].map((key) => ({ key, schema: null }));
      const [unreadable, loaded] = await client.store.load(requests, client.deadline);
      assert.equal(unreadable?.kind, "unreadable");
      assert.equal(asLoaded(loaded).records.length, 1);
    },
  ),

  law(
    "foreign data in place of the records is unreadable to a read, at once",
    async (client, { backend }) => {
      assert.ok(backend.spoil, "the backend can be spoilt, or says why not");
      const key = newKey();
      await backend.spoil(key, "records");
      const begun = backend.clock.monotonicMs();
      assert.equal((await client.store.read(key, 1, 10, client.deadline)).kind, "unreadable");
      assert.ok(backend.clock.monotonicMs() - begun < 6_000, "it waited for what no time can mend");
    },
  ),

  law(
    "foreign data in place of the snapshot refuses the commit that would write one, whole",
    async (client, { backend }) => {
      assert.ok(backend.spoil, "the backend can be spoilt, or says why not");
      const key = newKey();
      const head = await client.append(key, 1);
      await backend.spoil(key, "snapshot");
      const snapshot = { version: 4, schema: 1, state: "0" };
      const commit = commitOf(key, head, { records: recordsOf(3), receipts: [receipt("none")], snapshot });
      assert.equal((await client.commit(commit)).kind, "refused");
      assert.equal((await client.history(key)).length, 1);
      await client.write({ ...commit, snapshot: null });
    },
  ),
];
