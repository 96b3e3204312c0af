// What is due, when the next one will be, and what an entity has.

import assert from "node:assert/strict";
import { newId } from "../../core/reference.ts";
import { firingOf, law, namesOf } from "./law.ts";

export const readingLaws = [
  law(
    "no timer is due before its time, by the store's clock, and every one is after it",
    async (client, stage) => {
      const partition = stage.partition();
      const alarm = await client.set(partition, { name: "soon", inMs: 60 });
      for (let seen = false; !seen; ) {
        const { now, timers, next } = await client.dueIn(partition);
        const [stored] = await alarm.list();
        const dueAt = stored?.dueAt ?? assert.fail();
        seen = timers.some(({ id }) => id === alarm.key.id);
        assert.equal(seen, now >= dueAt, `now ${now}, due at ${dueAt}`);
        if (!seen) assert.ok(next !== null && next <= dueAt && next > now);
      }
    },
  ),

  law("what is due is told in the order of the due times, with all that it is", async (client, stage) => {
    const partition = stage.partition();
    const message = JSON.stringify({ type: "due", text: 'line\nbreak " 🐘' });
    const alarm = await client.set(
      partition,
      { name: "second", inMs: -10, message, everyMs: 5_000 },
      { name: "first", inMs: -20 },
      { name: "later", inMs: 60_000 },
    );
    const due = await client.due(partition, [alarm]);
    assert.deepEqual(namesOf(due), ["first", "second"]);
    assert.deepEqual(due, (await alarm.list()).slice(0, 2));
    const [, second] = due;
    assert.deepEqual(
      { ...second, generation: "", dueAt: 0 },
      {
        name: "second",
        generation: "",
        dueAt: 0,
        everyMs: 5_000,
        tries: 0,
        type: "alarm",
        message,
        parked: null,
      },
    );
  }),

  law("reading changes nothing: what is due stays due until it is handled", async (client, stage) => {
    const partition = stage.partition();
    const alarm = await client.set(partition, { name: "x" });
    const [first] = await client.due(partition, [alarm]);
    assert.deepEqual(await client.due(partition, [alarm]), [first]);
    await alarm.commit({ firings: [firingOf(first ?? assert.fail())] });
    assert.deepEqual(await client.due(partition, [alarm]), []);
    assert.deepEqual(await alarm.list(), []);
  }),

  law(
    "`next` is the first of those whose time has not come; null where there is none",
    async (client, stage) => {
      const partition = stage.backend.partitions - 1;
      const before = await client.dueIn(partition);
      const alarm = await client.set(
        partition,
        { name: "a", inMs: 50_000 },
        { name: "b", inMs: 40_000 },
        { name: "c" },
      );
      const { next } = await client.dueIn(partition);
      const [, b] = await alarm.list();
      assert.equal(next, Math.min(before.next ?? Number.POSITIVE_INFINITY, b?.dueAt ?? assert.fail()));
      const timers = ["a", "b", "c"].map((name) => ({ name, set: null }));
      await alarm.commit({ timers });
      assert.equal((await client.dueIn(partition)).next, before.next);
    },
  ),

  law("as many as the limit lets, the longest due first", async (client, stage) => {
    const partition = stage.partition();
    const sets = Array.from({ length: 30 }, (_, i) => ({ name: `n${i}`, dueAt: 1_000 + i }));
    const alarm = await client.set(partition, ...sets);
    const { timers } = await client.dueIn(partition, 10);
    assert.equal(timers.length, 10);
    const own = timers.filter(({ id }) => id === alarm.key.id).map(({ name }) => name);
    assert.deepEqual(
      own,
      sets.slice(0, own.length).map(({ name }) => name),
    );
    await alarm.commit({ timers: sets.map(({ name }) => ({ name, set: null })) });
    assert.deepEqual(await client.due(partition, [alarm]), []);
  }),

  law(
    "many partitions in one call: the answers stand in the order of the requests",
    async (client, { backend }) => {
      const partitions = Array.from({ length: backend.partitions }, (_, i) => backend.partitions - 1 - i);
      const alarms = await Promise.all(
        partitions.map((partition) => client.set(partition, { name: `p${partition}` })),
      );
      const requests = partitions.map((partition) => ({ partition, limit: 1_000 }));
      const answers = await client.timers.due(requests, client.deadline());
      assert.equal(answers.length, partitions.length);
      for (const [i, answer] of answers.entries()) {
        const own = answer.kind === "due" ? answer.timers.filter(({ id }) => id === alarms[i]?.key.id) : [];
        assert.deepEqual(
          own.map(({ name }) => name),
          [`p${partitions[i]}`],
        );
      }
      for (const [i, alarm] of alarms.entries())
        await alarm.commit({ timers: [{ name: `p${partitions[i]}`, set: null }] });
    },
  ),

  law("each client sees at once what another one's commit was answered", async (client, stage) => {
    const partition = stage.partition();
    const other = await stage.open();
    for (let i = 0; i < 10; i++) {
      const alarm = await other.set(partition, { name: "x" });
      const [timer] = await client.due(partition, [alarm]);
      assert.deepEqual([timer], await client.list(alarm.key));
      await alarm.commit({ firings: [firingOf(timer ?? assert.fail())] });
      assert.deepEqual(await client.due(partition, [alarm]), []);
    }
  }),

  law("what belonged to an entity that is destroyed is not due, and not listed", async (client, stage) => {
    const partition = stage.partition();
    const before = await client.dueIn(partition);
    const alarm = await client.set(partition, { name: "now" }, { name: "later", inMs: 30_000 });
    await alarm.commit({ destroy: true });
    assert.deepEqual(await client.due(partition, [alarm]), []);
    assert.deepEqual(await alarm.list(), []);
    assert.equal((await client.dueIn(partition)).next, before.next);
  }),

  law("an entity without timers has none", async (client) => {
    assert.deepEqual(await client.list({ id: newId(), partition: 0 }), []);
  }),

  law("a timer's name may hold any text", async (client, stage) => {
    const partition = stage.partition();
    const names = [" ", "a b", " a", "{brace}", "päckchen 🐘", "line\nbreak", "\u0000"];
    const alarm = await client.set(partition, ...names.map((name, i) => ({ name, dueAt: 2_000 + i })));
    const due = await client.due(partition, [alarm]);
    assert.deepEqual(namesOf(due), names);
    await alarm.commit({ firings: due.map((timer) => firingOf(timer)) });
    assert.deepEqual(await client.due(partition, [alarm]), []);
  }),
];
