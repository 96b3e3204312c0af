// The timers as a service: deadlines, their end, and what they do with foreign data.

import assert from "node:assert/strict";
import { newId } from "../../core/reference.ts";
import { law } from "./law.ts";

export const servingLaws = [
  law("without time left everything is `unavailable`", async (client) => {
    const past = client.deadline(-1);
    const key = { id: newId(), partition: 0 };
    const firing = { name: "x", generation: "g", dueAt: 1 };
    const requests = [
      { partition: 0, limit: 1 },
      { partition: 1, limit: 1 },
    ];
    const answers = [
      ...(await client.timers.due(requests, past)),
      await client.timers.list(key, past),
      await client.timers.setAside(key, firing, { kind: "later", ms: 1, tries: 1 }, past),
      await client.timers.ignore(key, "x", past),
    ];
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      new Array<string>(5).fill("unavailable"),
    );
  }),

  law("after close everything is `unavailable`", async (client) => {
    await client.timers.close();
    const [due] = await client.timers.due([{ partition: 0, limit: 1 }], client.deadline());
    assert.equal(due?.kind, "unavailable");
    const listed = await client.timers.list({ id: newId(), partition: 0 }, client.deadline());
    assert.equal(listed.kind, "unavailable");
  }),

  law(
    "what is no timer is told of as such, and ignored when it is ignored; the others are as they were",
    async (client, stage) => {
      const { spoil } = stage.backend;
      assert.ok(spoil, "the backend can spoil data, or says why it cannot");
      const partition = stage.partition();
      const alarm = await client.set(partition, { name: "bad" }, { name: "lost" }, { name: "good" });
      await spoil(alarm.key, "bad", "something else");
      await spoil(alarm.key, "lost", null);
      const own = async () => {
        const { timers } = await client.dueIn(partition);
        return timers
          .filter(({ id }) => id === alarm.key.id)
          .map(({ name, timer }) => [name, timer === null]);
      };
      const all = [
        ["bad", true],
        ["good", false],
        ["lost", true],
      ];
      assert.deepEqual((await own()).toSorted(), all);
      assert.equal((await client.timers.list(alarm.key, client.deadline())).kind, "unreadable");
      for (const name of ["bad", "lost"]) {
        assert.equal((await client.timers.ignore(alarm.key, name, client.deadline())).kind, "done");
      }
      assert.deepEqual(await own(), [["good", false]]);
      const timers = ["bad", "good"].map((name) => ({ name, set: null }));
      await alarm.commit({ timers });
      assert.deepEqual(await alarm.list(), []);
    },
  ),
];
