// Many commits in one call: each on its own.

import assert from "node:assert/strict";
import type { EntityKey } from "../../ports/event-store.ts";
import {
  asLoaded,
  type Client,
  commitOf,
  headAfter,
  look,
  newKey,
  receipt,
  recordsOf,
  start,
} from "./client.ts";
import { law } from "./law.ts";

/** Keys that may share a call, over as many partitions as one lane has. */
function keysOfOneLane({ store }: Client, partitions: number, count: number): readonly EntityKey[] {
  const lane = store.lane(0);
  const places = Array.from({ length: partitions }, (_, p) => p).filter((p) => store.lane(p) === lane);
  return Array.from({ length: count }, (_, i) => newKey(places[i % places.length]));
}

export const callingLaws = [
  law(
    "the commits of one call are each on their own, and answered in their order",
    async (client, { backend }) => {
      const keys = keysOfOneLane(client, backend.partitions, 7);
      const [fresh, lost, ahead, repeated, handled, empty, grown] = keys.map((key) => ({
        key,
        commit: commitOf(key, start),
      }));
      assert.ok(fresh && lost && ahead && repeated && handled && empty && grown);
      await client.append(lost.key, 2);
      await client.write(repeated.commit);
      await client.write(commitOf(handled.key, start, { records: [], receipts: [receipt("h")] }));
      const head = await client.append(grown.key, 4);
      const results = await client.call([
        fresh.commit,
        lost.commit,
        { ...ahead.commit, expected: { version: 1, commitId: "x" } },
        repeated.commit,
        { ...handled.commit, receipts: [look("h")] },
        { ...empty.commit, records: [] },
        { ...grown.commit, expected: head, records: recordsOf(3), receipts: [receipt("g")] },
      ]);
      const kinds = results.map((result) =>
        result.kind === "committed" && result.already ? "already" : result.kind,
      );
      assert.deepEqual(kinds, [
        "committed",
        "conflict",
        "diverged",
        "already",
        "duplicate",
        "committed",
        "committed",
      ]);
      const lengths = await Promise.all(keys.map(async (key) => (await client.history(key)).length));
      assert.deepEqual(lengths, [1, 2, 0, 1, 0, 0, 7]);
    },
  ),

  law("200 entities in one call are all written", async (client, { backend }) => {
    const keys = keysOfOneLane(client, backend.partitions, 200);
    const commits = keys.map((key, i) => commitOf(key, start, { records: recordsOf((i % 3) + 1) }));
    const results = await client.call(commits);
    assert.ok(results.every(({ kind }) => kind === "committed"));
    const loads = await client.store.load(
      keys.map((key) => ({ key, schema: null })),
      client.deadline,
    );
    assert.deepEqual(
      loads.map((loaded) => asLoaded(loaded).records.map(({ commitId }) => commitId)),
      commits.map(({ commitId, records }) => records.map(() => commitId)),
    );
  }),

  law("of two commits for one entity at one version, in one call, one wins", async (client) => {
    const key = newKey();
    const head = await client.append(key, 1);
    const commits = [
      commitOf(key, head, { records: recordsOf(2) }),
      commitOf(key, head, { records: recordsOf(2) }),
    ];
    const results = await client.call(commits);
    assert.equal(results.filter(({ kind }) => kind === "committed").length, 1);
    assert.equal(results.filter(({ kind }) => kind === "conflict").length, 1);
    const winner = commits[results.findIndex(({ kind }) => kind === "committed")];
    assert.ok(winner);
    const history = await client.history(key);
    assert.deepEqual(
      history.slice(1).map(({ commitId }) => commitId),
      [winner.commitId, winner.commitId],
    );
    await client.append(key, 1, headAfter(winner));
  }),

  law("of two commits with one receipt, in one call, the second one writes nothing", async (client) => {
    const key = newKey();
    const twice = () => commitOf(key, start, { records: [], receipts: [receipt("once")] });
    const kinds = (await client.call([twice(), twice()])).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["committed", "duplicate"]);
  }),

  law("a call without commits, and a load without requests, are answered with nothing", async (client) => {
    assert.deepEqual(await client.call([]), []);
    assert.deepEqual(await client.store.load([], client.deadline), []);
  }),

  law(
    "loads are answered in the order of their requests, one entity twice included",
    async (client, { backend }) => {
      const [a, b, c] = keysOfOneLane(client, backend.partitions, 3);
      assert.ok(a && b && c);
      await client.append(a, 1);
      await client.append(c, 3);
      const requests = [c, b, a, c].map((key) => ({ key, schema: null }));
      const loaded = await client.store.load(requests, client.deadline);
      assert.deepEqual(
        loaded.map((one) => asLoaded(one).records.length),
        [3, 0, 1, 3],
      );
    },
  ),
];
