// The end of work on a partition, and what is done about jobs that failed.

import assert from "node:assert/strict";
import { until } from "../until.ts";
import { DONE, failing, law } from "./law.ts";

export const endingLaws = [
  law(
    "an end waits for what runs, begins nothing more, and leaves the rest for others",
    async (client, stage) => {
      const gate = Promise.withResolvers<void>();
      client.work(0, async () => {
        await gate.promise;
        return DONE;
      });
      const [id = ""] = await client.put(0, {});
      await until("it runs", async () => client.runs.length === 1);
      let ended = false;
      const end = client.end(0).then(() => {
        ended = true;
      });
      await client.put(0, {});
      assert.equal(ended, false);
      gate.resolve();
      await end;
      assert.deepEqual(
        client.runs.map((job) => [job.id, job.signal.aborted]),
        [[id, false]],
      );
      const other = await stage.open();
      other.work(0, () => DONE);
      await other.untilEmpty();
      assert.equal(other.runs.length, 1);
    },
  ),

  law(
    "what takes longer than an end may is told to stop; a job that goes back then is another's, uncounted",
    async (client, stage) => {
      client.work(0, (job) => {
        const { promise, resolve } = Promise.withResolvers<{ kind: "back"; afterMs: number }>();
        job.signal.addEventListener("abort", () => resolve({ kind: "back", afterMs: 0 }));
        return promise;
      });
      const [id = ""] = await client.put(0, {});
      await until("it runs", async () => client.runs.length === 1);
      await client.end(0, 500);
      assert.equal(client.runs[0]?.signal.aborted, true);
      const other = await stage.open();
      other.work(0, () => DONE);
      await other.untilEmpty();
      assert.deepEqual(
        other.runs.map((job) => [job.id, job.attempt]),
        [[id, 1]],
      );
    },
  ),

  law("an end does not wait beyond its deadline for what does not stop", async (client, { backend }) => {
    const gate = Promise.withResolvers<void>();
    client.work(0, async () => {
      await gate.promise;
      return DONE;
    });
    await client.put(0, {});
    await until("it runs", async () => client.runs.length === 1);
    const before = backend.clock.monotonicMs();
    await client.end(0, 200);
    assert.ok(backend.clock.monotonicMs() - before < 8_000);
    gate.resolve();
  }),

  law("a partition can be worked on again after an end", async (client) => {
    client.work(0, () => DONE);
    await client.put(0, {});
    await client.untilEmpty();
    await client.end(0);
    await client.put(0, {});
    client.work(0, () => DONE);
    await client.untilEmpty();
    assert.equal(client.runs.length, 2);
  }),

  law(
    "a job that failed is run again after a retry, with all its attempts before it; of others nothing is done",
    async (client) => {
      let mended = false;
      client.work(0, () => (mended ? DONE : failing("broken")));
      const [id = "", other = ""] = await client.put(0, { attempts: 2 }, { attempts: 2 });
      await until("both are kept as failed", async () => (await client.counts()).failed === 2);
      assert.equal(await client.retry("nobody-0"), 0);
      assert.equal(await client.retry(id), 1);
      await until("it is kept as failed again", async () => client.runsOf(id).length === 4);
      await until("both are kept as failed", async () => (await client.counts()).failed === 2);
      mended = true;
      assert.equal(await client.retry(id), 1);
      await until("one is left", async () => (await client.counts()).failed === 1);
      assert.equal(await client.retry(id), 0);
      assert.deepEqual(
        (await client.failed()).map((job) => job.id),
        [other],
      );
    },
  ),

  law("all that failed can be retried at once, in all partitions", async (client) => {
    let mended = false;
    for (const partition of [0, 1, 2]) client.work(partition, () => (mended ? DONE : failing("broken")));
    for (const partition of [0, 1, 2]) await client.put(partition, { attempts: 1 }, { attempts: 1 });
    await until("all are kept as failed", async () => (await client.counts()).failed === 6);
    assert.equal((await client.failed(4)).length, 4);
    mended = true;
    assert.equal(await client.retry(null), 6);
    await client.untilEmpty();
    assert.equal(client.runs.length, 12);
  }),

  law(
    "a job that failed and is dropped is gone; one that has not failed cannot be dropped",
    async (client) => {
      client.work(0, () => failing("broken"));
      const [id = ""] = await client.put(0, { attempts: 1 });
      const [waiting = ""] = await client.put(1, {});
      await until("it is kept as failed", async () => (await client.counts()).failed === 1);
      assert.equal(await client.drop(waiting), 0);
      assert.equal(await client.drop(id), 1);
      assert.equal(await client.drop(id), 0);
      assert.deepEqual(await client.counts(), { waiting: 1, running: 0, delayed: 0, failed: 0 });
    },
  ),

  law("there is an answer when the deadline has passed, and after the close", async (client) => {
    assert.equal((await client.jobs.counts(client.deadline(-1))).kind, "unavailable");
    await client.jobs.close();
    assert.equal((await client.jobs.failed(1, client.deadline())).kind, "unavailable");
    assert.equal((await client.jobs.retry(null, client.deadline())).kind, "unavailable");
  }),
];
