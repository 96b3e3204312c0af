// Putting off and parking: only what stands as it was read.

import assert from "node:assert/strict";
import type { Fate, StoredTimer } from "../../ports/timers.ts";
import { type Alarm, type Client, firingOf, law } from "./law.ts";

const later = (ms: number, tries = 1): Fate => ({ kind: "later", ms, tries });
const parked: Fate = { kind: "parked", reason: "it broke", tries: 8 };

async function onlyOf(alarm: Alarm): Promise<StoredTimer> {
  const timers = await alarm.list();
  assert.equal(timers.length, 1);
  return timers[0] ?? assert.fail();
}

async function setAside(client: Client, alarm: Alarm, timer: StoredTimer, fate: Fate): Promise<string> {
  return (await client.timers.setAside(alarm.key, firingOf(timer), fate, client.deadline())).kind;
}

export const settingAsideLaws = [
  law("what is put off is not due until then, and keeps its own due time", async (client, stage) => {
    const partition = stage.partition();
    const alarm = await client.set(partition, { name: "x", everyMs: 50 });
    const timer = await onlyOf(alarm);
    assert.equal(await setAside(client, alarm, timer, later(800, 3)), "done");
    assert.deepEqual(await client.due(partition, [alarm]), []);
    const { now, next } = await client.dueIn(partition);
    assert.ok(next !== null && next - now <= 800);
    assert.deepEqual(await onlyOf(alarm), { ...timer, tries: 3 });
    await alarm.untilDue("x");
    await alarm.commit({ firings: [firingOf(timer, 2)] });
    assert.deepEqual(await onlyOf(alarm), { ...timer, dueAt: timer.dueAt + 150, tries: 0 });
    await alarm.commit({ timers: [{ name: "x", set: null }] });
  }),

  law("what is parked is never due, and is listed with the reason", async (client, stage) => {
    const partition = stage.partition();
    const alarm = await client.set(partition, { name: "x" });
    const timer = await onlyOf(alarm);
    const before = await client.dueIn(partition);
    assert.equal(await setAside(client, alarm, timer, parked), "done");
    assert.deepEqual(await client.due(partition, [alarm]), []);
    assert.equal((await client.dueIn(partition)).next, before.next);
    assert.deepEqual(await onlyOf(alarm), { ...timer, tries: 8, parked: "it broke" });
  }),

  law("a reason is kept in one line", async (client, stage) => {
    const alarm = await client.set(stage.partition(), { name: "x" });
    const fate: Fate = { kind: "parked", reason: "it broke\n at once", tries: 8 };
    assert.equal(await setAside(client, alarm, await onlyOf(alarm), fate), "done");
    assert.match((await onlyOf(alarm)).parked ?? "", /^it broke\s+at once$/);
  }),

  law(
    "a parked timer that is set anew is pending again; one that is cancelled is gone",
    async (client, stage) => {
      const partition = stage.partition();
      const alarm = await client.set(partition, { name: "x" });
      await setAside(client, alarm, await onlyOf(alarm), parked);
      const set = {
        generation: "again",
        dueAt: client.store.now(),
        everyMs: null,
        message: '{"type":"due"}',
      };
      await alarm.commit({ timers: [{ name: "x", set }] });
      const again = await onlyOf(alarm);
      assert.deepEqual(again, { ...set, name: "x", type: "alarm", tries: 0, parked: null });
      assert.deepEqual(await client.due(partition, [alarm]), [again]);
      await setAside(client, alarm, again, parked);
      await alarm.commit({ timers: [{ name: "x", set: null }] });
      assert.deepEqual(await alarm.list(), []);
    },
  ),

  law(
    "a firing that was on its way when its timer was parked may still be handled",
    async (client, stage) => {
      const partition = stage.partition();
      const alarm = await client.set(partition, { name: "x" }, { name: "y", everyMs: 60_000 });
      const timers = await alarm.list();
      for (const timer of timers) await setAside(client, alarm, timer, parked);
      await alarm.commit({ firings: timers.map((timer) => firingOf(timer)) });
      const y = await onlyOf(alarm);
      assert.deepEqual([y.name, y.parked, y.tries], ["y", null, 0]);
      assert.equal((await client.dueIn(partition)).timers.filter(({ id }) => id === alarm.key.id).length, 0);
      await alarm.commit({ timers: [{ name: "y", set: null }] });
    },
  ),

  law(
    "what was handled, set anew or cancelled meanwhile is gone, and nothing is done to it",
    async (client, stage) => {
      const partition = stage.partition();
      for (const fate of [later(60_000), parked]) {
        const alarm = await client.set(partition, { name: "x" });
        const first = await onlyOf(alarm);
        const set = { generation: "g2", dueAt: first.dueAt, everyMs: 1_000, message: '{"type":"due"}' };
        await alarm.commit({ timers: [{ name: "x", set }] });
        assert.equal(await setAside(client, alarm, first, fate), "gone");
        const second = await onlyOf(alarm);
        assert.deepEqual(await client.due(partition, [alarm]), [second]);
        await alarm.commit({ firings: [firingOf(second)] });
        assert.equal(await setAside(client, alarm, second, fate), "gone");
        const third = await onlyOf(alarm);
        assert.deepEqual([third.dueAt, third.tries, third.parked], [second.dueAt + 1_000, 0, null]);
        await alarm.commit({ timers: [{ name: "x", set: null }] });
        assert.equal(await setAside(client, alarm, third, fate), "gone");
        assert.deepEqual(await alarm.list(), []);
        assert.deepEqual(await client.due(partition, [alarm]), []);
      }
    },
  ),
];
