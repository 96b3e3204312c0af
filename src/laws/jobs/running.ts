// Who runs a job, when, and how often.

import assert from "node:assert/strict";
import { until } from "../until.ts";
import { DONE, failing, law } from "./law.ts";

export const runningLaws = [
  law(
    "nothing is run of a partition that nobody works on, and all of it when somebody begins",
    async (client) => {
      client.work(1, () => DONE);
      await client.put(0, {}, {});
      await client.put(1, {});
      await until("the other partition's has run", async () => client.runs.length === 1);
      assert.equal(client.runs[0]?.partition, 1);
      client.work(0, () => DONE);
      await client.untilEmpty();
      assert.equal(client.runs.length, 3);
    },
  ),

  law(
    "a job that fails is run again, attempts are counted, and after the last it is kept with its error",
    async (client) => {
      client.work(0, ({ attempt }) => failing(`attempt ${attempt}`));
      const [id = ""] = await client.put(0, { name: "mail", data: '{"to":"you"}', attempts: 3 });
      await until("it is kept as failed", async () => (await client.counts()).failed === 1);
      assert.deepEqual(
        client.runsOf(id).map(({ attempt }) => attempt),
        [1, 2, 3],
      );
      const [kept] = await client.failed();
      assert.deepEqual(
        { ...kept, data: JSON.parse(kept?.data ?? "") },
        {
          id,
          name: "mail",
          data: { to: "you" },
          attempts: 3,
          error: "attempt 3",
        },
      );
      assert.deepEqual(client.gaveUp, [[id, "attempt 3"]]);
    },
  ),

  law("the pause before another attempt is doubled each time", async (client, { backend }) => {
    const at: number[] = [];
    client.work(0, () => {
      at.push(backend.clock.monotonicMs());
      return failing("no");
    });
    await client.put(0, { attempts: 3, backoffMs: 120 });
    await until("it is kept as failed", async () => (await client.counts()).failed === 1);
    const [first = 0, second = 0, third = 0] = at;
    assert.ok(second - first >= 115, `${second - first} ms`);
    assert.ok(third - second >= 235, `${third - second} ms`);
  }),

  law("a job whose failure is final is kept at once", async (client) => {
    client.work(0, () => failing("never", true));
    const [id = ""] = await client.put(0, { attempts: 8 });
    await until("it is kept as failed", async () => (await client.counts()).failed === 1);
    assert.equal(client.runsOf(id).length, 1);
    assert.deepEqual(client.gaveUp, [[id, "never"]]);
  }),

  law("a job that goes back is run again, and no attempt is counted", async (client) => {
    client.work(0, () => (client.runs.length < 4 ? { kind: "back", afterMs: client.runs.length } : DONE));
    const [id = ""] = await client.put(0, { attempts: 1 });
    await client.untilEmpty();
    assert.deepEqual(
      client.runsOf(id).map(({ attempt }) => attempt),
      [1, 1, 1, 1],
    );
  }),

  law("a job that is to wait is not run before its time", async (client, { backend }) => {
    let ranAt = 0;
    client.work(0, () => {
      ranAt = backend.clock.monotonicMs();
      return DONE;
    });
    const before = backend.clock.monotonicMs();
    const commit = client.commit(0, [{ delayMs: 1_000 }]);
    const [result] = await client.store.commit([commit], client.deadline());
    assert.ok(result?.kind === "committed", JSON.stringify(result));
    assert.equal((await client.counts()).delayed, 1);
    await client.untilEmpty();
    // From `at` on, which is the store's time as this process knew it: of a busy one, some time ago when it was committed.
    const ago = result.at - (commit.jobs?.[0]?.at ?? 0);
    assert.ok(ranAt - before >= 995 - ago, `${ranAt - before} ms, committed ${ago} ms after its time began`);
  }),

  law("of two clients at work on one partition, one runs each job", async (client, stage) => {
    const other = await stage.open();
    const slow = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return DONE;
    };
    client.work(0, slow);
    other.work(0, slow);
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(...(await client.put(0, {}, {}, {})));
    await client.untilEmpty();
    const runs = [...client.runs, ...other.runs].map(({ id }) => id);
    assert.deepEqual(runs.toSorted(), ids.toSorted());
  }),

  law(
    "what another client has put on a queue is run too, the first there ever was",
    async (client, stage) => {
      client.work(5, () => DONE);
      const other = await stage.open();
      const [id = ""] = await other.put(5, {});
      await until("it has run", async () => client.runsOf(id).length === 1);
    },
  ),
];
