// Several clients on one entity: one history, whoever wins.

import assert from "node:assert/strict";
import type { EntityKey } from "../../ports/event-store.ts";
import { type Client, commitOf, type Head, newKey, receipt, start } from "./client.ts";
import { law, type Stage } from "./law.ts";

async function clientsOf(stage: Stage, count: number): Promise<readonly Client[]> {
  return await Promise.all(Array.from({ length: count }, () => stage.open()));
}

/** Writes `wins` commits of its own, catching up each time that another one was first. The ids that won. */
async function contend(client: Client, key: EntityKey, wins: number): Promise<readonly string[]> {
  const won: string[] = [];
  let head: Head = start;
  while (won.length < wins) {
    const commit = commitOf(key, head);
    const result = await client.commit(commit);
    if (result.kind === "committed") {
      assert.ok(!result.already);
      won.push(commit.commitId);
      head = { version: head.version + 1, commitId: commit.commitId };
      continue;
    }
    assert.equal(result.kind, "conflict", JSON.stringify(result));
    const last = result.kind === "conflict" ? result.missed.at(-1) : undefined;
    assert.ok(last !== undefined && last.version > head.version, "a conflict brings something new");
    head = { version: last.version, commitId: last.commitId };
  }
  return won;
}

export const racingLaws = [
  law(
    "of many clients that commit at one version, at the same time, exactly one wins",
    async (_client, stage) => {
      const clients = await clientsOf(stage, 8);
      const key = newKey();
      let head = start;
      for (let round = 0; round < 20; round++) {
        const at = head;
        const commits = clients.map(() => commitOf(key, at));
        const results = await Promise.all(
          clients.map((client, i) => client.commit(commits[i] ?? assert.fail())),
        );
        const winners = commits.filter((_, i) => results[i]?.kind === "committed");
        assert.equal(winners.length, 1, JSON.stringify(results));
        assert.equal(results.filter(({ kind }) => kind === "conflict").length, clients.length - 1);
        head = { version: at.version + 1, commitId: winners[0]?.commitId ?? "" };
      }
    },
  ),

  law(
    "clients that catch up and try again all get through, and the log holds what each was told",
    async (client, stage) => {
      const clients = await clientsOf(stage, 6);
      const key = newKey();
      const won = await Promise.all(clients.map((each) => contend(each, key, 25)));
      const history = await client.history(key);
      assert.deepEqual(history.map(({ commitId }) => commitId).toSorted(), won.flat().toSorted());
      assert.deepEqual(
        history.map(({ version }) => version),
        Array.from({ length: 150 }, (_, i) => i + 1),
      );
      for (const ids of won) {
        const inLog = history.map(({ commitId }) => commitId).filter((id) => ids.includes(id));
        assert.deepEqual(inLog, ids, "each client's own commits stand in its order");
      }
    },
  ),

  law("one commit that is sent by many clients at the same time is written once", async (client, stage) => {
    const clients = await clientsOf(stage, 8);
    const key = newKey();
    const commit = commitOf(key, start);
    const results = await Promise.all(clients.map((each) => each.commit(commit)));
    assert.ok(results.every(({ kind }) => kind === "committed"));
    assert.equal(results.filter((result) => result.kind === "committed" && !result.already).length, 1);
    assert.equal((await client.history(key)).length, 1);
  }),

  law(
    "of commits that carry one key at the same time, one handles it, and the others are told",
    async (client, stage) => {
      const clients = await clientsOf(stage, 8);
      const key = newKey();
      const results = await Promise.all(
        clients.map((each, i) =>
          each.commit(commitOf(key, start, { receipts: [receipt("key", `"by ${i}"`)] })),
        ),
      );
      const winner = results.findIndex(({ kind }) => kind === "committed");
      const others = results.filter((_, i) => i !== winner);
      const told = { kind: "duplicate", found: [{ step: 0, value: `"by ${winner}"` }] };
      assert.deepEqual(
        others,
        others.map(() => told),
      );
      assert.equal((await client.history(key)).length, 1);
    },
  ),
];
