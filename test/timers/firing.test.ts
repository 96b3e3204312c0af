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
    const before = Date.now();
    await send(ref, { type: "set", name: "a", after: 50, ring: { tag: "x" } });
    expect(await pachyderm.timers(ref)).toMatchObject([
      { name: "a", every: null, message: { type: "ring", tag: "x" }, attempts: 0, parked: null },
    ]);
    await untilRung(ref, 1);
    const [first] = await rung(ref);
    expect(first).toMatchObject({ name: "a", tag: "x", missed: 0 });
    expect(first?.now).toBeGreaterThanOrEqual(first?.dueAt ?? Number.NaN);
    expect(first?.lateMs).toBe((first?.now ?? 0) - (first?.dueAt ?? 0));
    expect((first?.dueAt ?? 0) - before).toBeGreaterThanOrEqual(40);
    expect(await pachyderm.timers(ref)).toEqual([]);
  });
});
