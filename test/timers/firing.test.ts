// Timers as a program sees them, on a real Redis and embedded: when they fire, how often, and what does away with them.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newId, Pachyderm } from "../../src/index.ts";
import { type AlarmMessage, alarm, rings } from "../harness/alarm.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

describe.each(["embedded", "redis"])("%s", (where) => {
  let pachyderm: Pachyderm;

  beforeAll(async () => {
    const redis = where === "redis" ? { redis: server.url, network: "firing" } : {};
    pachyderm = await Pachyderm.start({ entities: [alarm], ...redis });
  });
  afterAll(() => pachyderm.stop());
  afterEach(() => void rings.splice(0));

  const newAlarm = () => alarm.ref(newId());
  type Ref = ReturnType<typeof newAlarm>;
  const send = (ref: Ref, message: AlarmMessage) => pachyderm.send(ref, message);
  const rung = async (ref: Ref) => (await pachyderm.get(ref)).state.rung;
  const untilRung = (ref: Ref, times: number) =>
    until(`it rang ${times} times`, async () => (await rung(ref)).length >= times);

  test("it fires once, not early, and is then gone", async () => {
    const ref = newAlarm();
    await send(ref, { type: "set", name: "a", after: "1h", ring: { tag: "x" } });
    expect(await pachyderm.timers(ref)).toMatchObject([
      { name: "a", every: null, message: { type: "ring", tag: "x" }, attempts: 0, parked: null },
    ]);
    const before = Date.now();
    await send(ref, { type: "set", name: "a", after: 50, ring: { tag: "x" } });
    await untilRung(ref, 1);
    const [first] = await rung(ref);
    expect(first).toMatchObject({ name: "a", tag: "x", missed: 0 });
    expect(first?.now).toBeGreaterThanOrEqual(first?.dueAt ?? Number.NaN);
    expect(first?.lateMs).toBe((first?.now ?? 0) - (first?.dueAt ?? 0));
    expect((first?.dueAt ?? 0) - before).toBeGreaterThanOrEqual(40);
    expect(await pachyderm.timers(ref)).toEqual([]);
  });

  test("scheduled anew it fires once, at the new time, with the new message", async () => {
    const ref = newAlarm();
    await send(ref, { type: "set", name: "a", after: 800, ring: { tag: "old" } });
    await send(ref, { type: "set", name: "a", after: 30, ring: { tag: "new" } });
    await send(ref, { type: "set", name: "b", after: 900 });
    await untilRung(ref, 2);
    expect((await rung(ref)).map(({ name, tag }) => [name, tag])).toEqual([
      ["a", "new"],
      ["b", null],
    ]);
  });

  test("cancelled it does not fire", async () => {
    const ref = newAlarm();
    await send(ref, { type: "set", name: "a", after: 800 });
    await send(ref, { type: "cancel", name: "a" });
    await send(ref, { type: "cancel", name: "never-was" });
    await send(ref, { type: "set", name: "b", after: 900 });
    await untilRung(ref, 1);
    expect((await rung(ref)).map(({ name }) => name)).toEqual(["b"]);
    expect(rings.map(({ name }) => name)).toEqual(["b"]);
  });

  test("a timer of a decision without events is set too; what is past is due at once", async () => {
    const ref = newAlarm();
    const { version } = await send(ref, { type: "set-quietly", name: "quiet", after: 10 });
    expect(version).toBe(1);
    await send(ref, { type: "set", name: "past", at: 1_000 });
    await untilRung(ref, 2);
    const past = (await rung(ref)).find(({ name }) => name === "past");
    expect(past).toMatchObject({ dueAt: 1_000, missed: 0 });
    expect(past?.lateMs).toBe((past?.now ?? 0) - 1_000);
    const types = (await pachyderm.events(ref)).events.map(({ event }) => event.type);
    expect(types.toSorted()).toEqual(["rang", "rang", "set"]);
  });

  test("a firing that is rejected, or yields nothing, does not come back", async () => {
    const ref = newAlarm();
    for (const does of ["reject", "nothing"] as const) {
      await send(ref, { type: "set", name: does, after: 10, ring: { does } });
      await until(`${does} was handled and is gone`, async () => {
        return rings.some(({ name }) => name === does) && (await pachyderm.timers(ref)).length === 0;
      });
    }
    await send(ref, { type: "set", name: "last", after: 50 });
    await untilRung(ref, 1);
    expect(rings.map(({ name }) => name)).toEqual(["reject", "nothing", "last"]);
    expect((await rung(ref)).map(({ name }) => name)).toEqual(["last"]);
  });

  test("its own firing may schedule the name again, at the same due time, and that fires again", async () => {
    const ref = newAlarm();
    await send(ref, { type: "set", name: "a", after: 20, ring: { does: "again" } });
    await untilRung(ref, 3);
    const all = await rung(ref);
    expect(new Set(all.map(({ name, dueAt }) => `${name} ${dueAt}`)).size).toBe(1);
    expect(await pachyderm.timers(ref)).toEqual([]);
    await send(ref, { type: "set", name: "b", after: 20 });
    await untilRung(ref, 4);
    expect((await rung(ref)).map(({ name }) => name)).toEqual(["a", "a", "a", "b"]);
  });

  test("an `every` ticks where it should, and its own firing may cancel it", async () => {
    const ref = newAlarm();
    await send(ref, { type: "set", name: "tick", every: 30 });
    await untilRung(ref, 5);
    await send(ref, { type: "set", name: "tick", every: 30, ring: { does: "cancel" } });
    await until("it is gone", async () => (await pachyderm.timers(ref)).length === 0);
    const all = await rung(ref);
    const ticks = all.slice(0, -1);
    // Every tick fired or was counted, once; none was early.
    let due = ticks[0]?.dueAt ?? 0;
    for (const { dueAt, missed, now } of ticks) {
      expect(dueAt).toBe(due);
      expect(now).toBeGreaterThanOrEqual(dueAt);
      due = dueAt + 30 * (missed + 1);
    }
  });

  test("a rejected tick of an `every` is followed by the next one", async () => {
    const ref = newAlarm();
    await send(ref, { type: "set", name: "tick", every: 20, ring: { does: "reject" } });
    await until("it was rejected three times", () => rings.length >= 3);
    await send(ref, { type: "cancel", name: "tick" });
    const count = rings.length;
    await send(ref, { type: "set", name: "last", after: 100 });
    await untilRung(ref, 1);
    expect(rings.filter(({ name }) => name === "tick").length).toBeLessThanOrEqual(count + 1);
  });

  test("a handler that throws backs off, is told of, and may be mended meanwhile", async () => {
    const ref = newAlarm();
    const failures: { name: string; attempt: number; parked: boolean; error: unknown }[] = [];
    const stop = pachyderm.on("timer-failed", (failed) => void failures.push(failed));
    await send(ref, { type: "set", name: "a", after: 10, ring: { does: "throw" } });
    await until("it failed twice", () => failures.length >= 2);
    expect(failures.slice(0, 2)).toMatchObject([
      { reference: { type: "alarm", id: ref.id }, name: "a", attempt: 1, parked: false },
      { attempt: 2, parked: false, error: { code: "HANDLER_FAILED" } },
    ]);
    const [failing] = await pachyderm.timers(ref); // the next try may be over as well
    expect(failing).toMatchObject({ name: "a", parked: null });
    expect(failing?.attempts).toBeGreaterThanOrEqual(2);
    await send(ref, { type: "set", name: "a", after: 10 });
    await untilRung(ref, 1);
    expect(await pachyderm.timers(ref)).toEqual([]);
    stop();
  });

  test("a destroyed entity has no timers", async () => {
    const ref = newAlarm();
    await send(ref, { type: "set", name: "a", after: 60_000 });
    await send(ref, { type: "set", name: "b", after: 800 });
    await pachyderm.destroy(ref);
    expect(await pachyderm.timers(ref)).toEqual([]);
    const other = newAlarm();
    await send(other, { type: "set", name: "after", after: 900 });
    await untilRung(other, 1);
    expect(rings.map(({ name }) => name)).toEqual(["after"]);
  });

  test("many timers of one entity, due together: each fires once", async () => {
    const ref = newAlarm();
    const at = Date.now() + 300;
    const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
    await Promise.all(names.map((name) => send(ref, { type: "set", name, at })));
    await untilRung(ref, 100);
    expect((await rung(ref)).map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  test("a cancel races with the firing: one of them wins, and the log shows which", async () => {
    const refs = Array.from({ length: 40 }, newAlarm);
    const at = Date.now() + 150;
    // A few before, at, and behind the moment at which all are cancelled: that is the race.
    await Promise.all(
      refs.map((ref, i) => send(ref, { type: "set", name: "a", at: at - 5 + Math.floor(i / 4) })),
    );
    await until("they fire", () => Date.now() >= at);
    await Promise.all(refs.map((ref) => send(ref, { type: "cancel", name: "a" })));
    const last = newAlarm();
    await send(last, { type: "set", name: "last", after: 100 });
    await untilRung(last, 1);
    for (const ref of refs) {
      const types = (await pachyderm.events(ref)).events.map(({ event }) => event.type);
      expect([
        ["set", "cancelled"],
        ["set", "rang", "cancelled"],
      ]).toContainEqual(types);
      expect(await pachyderm.timers(ref)).toEqual([]);
    }
  });
});
