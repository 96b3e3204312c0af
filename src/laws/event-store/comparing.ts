// The comparison: of the version, and of the commit there.

import assert from "node:assert/strict";
import type { CommitResult } from "../../ports/event-store.ts";
import { commitOf, look, newKey, receipt, recordsOf, start } from "./client.ts";
import { law } from "./law.ts";

/** What the answer to a lost commit says was missed. */
function missedOf(result: CommitResult): readonly number[] {
  assert.equal(result.kind, "conflict", JSON.stringify(result));
  return result.kind === "conflict" ? result.missed.map(({ version }) => version) : assert.fail();
}

export const comparingLaws = [
  law(
    "a commit at version 0 on a log with records is a conflict, and all records are missed",
    async (client) => {
      const key = newKey();
      await client.append(key, 3);
      const result = await client.commit(commitOf(key, start));
      assert.deepEqual(missedOf(result), [1, 2, 3]);
      assert.deepEqual(result.kind === "conflict" && result.missed, await client.history(key));
    },
  ),

  law("a conflict brings the record at the expected version, and those after it", async (client) => {
    const key = newKey();
    const old = await client.append(key, 2);
    await client.append(key, 2, old);
    const result = await client.commit(commitOf(key, old));
    assert.deepEqual(missedOf(result), [2, 3, 4]);
    assert.deepEqual(result.kind === "conflict" && result.missed, (await client.history(key)).slice(1));
  }),

  law("a conflict brings missed records in order and without a gap, and not without end", async (client) => {
    const key = newKey();
    const old = await client.append(key, 1);
    await client.write(commitOf(key, old, { records: recordsOf(500) }));
    const missed = missedOf(await client.commit(commitOf(key, old)));
    assert.ok(missed.length >= 2 && missed.length <= 128, `${missed.length} records`);
    assert.deepEqual(
      missed,
      missed.map((_, i) => i + 1),
    );
  }),

  law("a log shorter than expected is diverged", async (client) => {
    const key = newKey();
    const head = await client.append(key, 2);
    const ahead = commitOf(key, { version: 3, commitId: head.commitId });
    assert.deepEqual(await client.commit(ahead), { kind: "diverged" });
    const unknown = commitOf(newKey(), { version: 1, commitId: head.commitId });
    assert.deepEqual(await client.commit(unknown), { kind: "diverged" });
  }),

  law("another commit at the expected version is diverged, at the end and further back", async (client) => {
    const key = newKey();
    await client.append(key, 3);
    for (const version of [1, 2, 3]) {
      const commit = commitOf(key, { version, commitId: "never-was" });
      assert.deepEqual(await client.commit(commit), { kind: "diverged" }, `at ${version}`);
    }
  }),

  law("a commit id that only begins like the one there is another one", async (client) => {
    const key = newKey();
    await client.write(commitOf(key, start, { commitId: "commit-1" }));
    for (const commitId of ["commit-", "commit-11", "c"]) {
      const diverged = await client.commit(commitOf(key, { version: 1, commitId }));
      assert.deepEqual(diverged, { kind: "diverged" }, commitId);
    }
    await client.append(key, 1, { version: 1, commitId: "commit-1" });
    const deeper = await client.commit(commitOf(key, { version: 1, commitId: "commit-" }));
    assert.deepEqual(deeper, { kind: "diverged" });
  }),

  law(
    "a log that was rolled back and grew again is diverged for who remembers the lost part",
    async (client, stage) => {
      const key = newKey();
      const kept = await client.append(key, 2);
      const lost = await client.append(key, 2, kept);
      await stage.backend.rollBack(key, 2);
      assert.equal((await client.commit(commitOf(key, lost))).kind, "diverged", "shorter");
      const again = await client.append(key, 2, kept);
      assert.equal((await client.commit(commitOf(key, lost))).kind, "diverged", "as long");
      await client.append(key, 2, again);
      assert.equal((await client.commit(commitOf(key, lost))).kind, "diverged", "longer");
      assert.deepEqual(
        missedOf(await client.commit(commitOf(key, kept))),
        [2, 3, 4, 5, 6],
        "who remembers less",
      );
    },
  ),

  law(
    "a log that was rolled back, and that another client made as long again, is diverged for who remembers more",
    async (client, stage) => {
      const key = newKey();
      const kept = await client.append(key, 2);
      const lost = await client.append(key, 2, kept);
      await stage.backend.rollBack(key, 2);
      const other = await stage.open();
      await other.append(key, 2, kept);
      assert.deepEqual(await client.commit(commitOf(key, lost)), { kind: "diverged" });
    },
  ),

  law(
    "that stays so when who remembers more has written elsewhere in the partition meanwhile",
    async (client, stage) => {
      const key = newKey();
      const kept = await client.append(key, 2);
      const lost = await client.append(key, 2, kept);
      await stage.backend.rollBack(key, 2);
      const other = await stage.open();
      await other.append(key, 2, kept);
      await client.append(newKey(), 2);
      assert.deepEqual(await client.commit(commitOf(key, lost)), { kind: "diverged" });
    },
  ),

  law(
    "where the record to compare with was trimmed, and the log has grown, the answer is reload",
    async (client, stage) => {
      const key = newKey();
      const old = await client.append(key, 2);
      const head = await client.append(key, 3, old);
      await stage.backend.trim(key, 4);
      assert.deepEqual(await client.commit(commitOf(key, old)), { kind: "reload" });
      await client.append(key, 1, head);
    },
  ),

  law("after trimming, the comparison with what is kept goes on as before", async (client, stage) => {
    const key = newKey();
    const old = await client.append(key, 3);
    const head = await client.append(key, 1, old);
    await stage.backend.trim(key, 3);
    assert.deepEqual(missedOf(await client.commit(commitOf(key, old))), [3, 4]);
    assert.deepEqual(await client.commit(commitOf(key, { version: 3, commitId: "never-was" })), {
      kind: "diverged",
    });
    await stage.backend.trim(key, 4);
    await client.append(key, 1, head);
    assert.deepEqual(
      (await client.history(key)).map(({ version }) => version),
      [4, 5],
    );
  }),

  law(
    "a log that was trimmed to the length of an older version is not taken for it",
    async (client, stage) => {
      const key = newKey();
      const old = await client.append(key, 1);
      const last = await client.append(key, 1, old);
      await stage.backend.trim(key, 2);
      const kept = [receipt("left-over")];
      for (const records of [recordsOf(1), recordsOf(2), []]) {
        for (const receipts of [[], kept]) {
          const beside = commitOf(newKey(), start); // so that the call has to do with the tip in any case
          const [result] = await client.call([commitOf(key, old, { records, receipts }), beside]);
          assert.deepEqual(result, { kind: "reload" });
        }
      }
      await client.write(commitOf(key, last, { records: recordsOf(2), receipts: [look("left-over")] }));
    },
  ),
];
