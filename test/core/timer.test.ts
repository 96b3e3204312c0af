// schedule and cancel: what they take, what they make of it, and what they refuse.

import fc from "fast-check";
import { expect, test } from "vitest";
import { millisecondsOf } from "../../src/core/duration.ts";
import { readDecision } from "../../src/core/read-decision.ts";
import { cancel, defineEntity, newId, Pachyderm, schedule } from "../../src/index.ts";

const message = { type: "ring" } as const;
const rules = { knowsEffect: () => false, durableOf: () => undefined, maxBytes: 1_000 };

test.each([
  [0, 0],
  [1_500, 1_500],
  [0.2, 1],
  ["0ms", 0],
  ["250ms", 250],
  ["30s", 30_000],
  ["5m", 300_000],
  ["1.5h", 5_400_000],
  ["7d", 604_800_000],
  ["0.0001s", 1],
])("the duration %s is %i ms", (duration, ms) => {
  expect(millisecondsOf(duration)).toBe(ms);
});

test.each([
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  "",
  "5",
  "m",
  "5 m",
  "-5m",
  "5M",
  "5min",
  "1e3s",
  "5m ",
  "5m5s",
  null,
  {},
  5n,
])("%s is no duration", (value) => {
  expect(millisecondsOf(value)).toBeUndefined();
});

test("a duration in any unit is that many of its milliseconds, rounded up", () => {
  const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
  const unit = fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[]));
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(99), unit, (whole, cents, of) => {
      const text = `${whole}.${cents.toString().padStart(2, "0")}${of}`;
      const ms = millisecondsOf(text) ?? Number.NaN;
      const exact = ((whole * 100 + cents) * units[of]) / 100;
      expect(ms).toBe(Math.ceil(exact));
    }),
  );
});

test("schedule makes data of what it is given", () => {
  const parts = { name: "a", message, every: null };
  const of = (spec: object) => schedule({ name: "a", message, ...spec }).payload;
  expect(schedule({ name: "a", after: 5, message })).toEqual({
    effect: "$schedule",
    payload: { ...parts, after: 5, at: null },
  });
  expect(of({ after: "5m" })).toEqual({ ...parts, after: 300_000, at: null });
  expect(of({ at: 1_000.5 })).toEqual({ ...parts, after: null, at: 1_001 });
  expect(of({ at: new Date(2_000) })).toEqual({ ...parts, after: null, at: 2_000 });
  expect(of({ every: "1h" })).toEqual({ ...parts, after: 3_600_000, at: null, every: 3_600_000 });
  expect(of({ every: "1h", after: 0 })).toEqual({ ...parts, after: 0, at: null, every: 3_600_000 });
  expect(cancel("a")).toEqual({ effect: "$cancel", payload: { name: "a" } });
});

const bad: [string, object, RegExp][] = [
  ["no name", { name: undefined }, /name is text/],
  ["an empty name", { name: "" }, /name is text/],
  ["a long name", { name: "x".repeat(101) }, /1 to 100/],
  ["a name that is no text", { name: 5 }, /name is text/],
  ["a name with half a character", { name: "\ud83d" }, /name is text/],
  ["no message", { message: undefined }, /no message/],
  ["neither after nor at", { after: undefined }, /neither after nor at/],
  ["both", { at: 5 }, /both after and at/],
  ["a negative time", { after: -1 }, /after is milliseconds/],
  ["junk", { after: "soon" }, /after is milliseconds/],
  ["no date", { after: undefined, at: new Date(Number.NaN) }, /epoch milliseconds/],
  ["a time before all times", { after: undefined, at: -1 }, /epoch milliseconds/],
  ["an every that is too short", { every: 9 }, /10 ms at least/],
  ["an every that is none", { every: "often" }, /every is milliseconds/],
  ["something that there is not", { evry: 100 }, /no evry/],
];

test.each(bad)("schedule refuses %s", (_, parts, reason) => {
  const spec = { name: "a", after: 5, message, ...parts };
  const run = () => schedule(spec as Parameters<typeof schedule>[0]);
  expect(run).toThrow(reason);
  expect(run).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
});

test.each(bad)("a decision that was made by hand is faulty with %s", (_, parts, reason) => {
  const payload = { name: "a", after: 5, at: null, every: null, message, ...parts };
  const decision = readDecision({ effects: [{ effect: "$schedule", payload }] }, undefined, rules);
  expect(decision).toMatchObject({ kind: "faulty", reason: expect.stringMatching(reason) });
});

test.each<[string, unknown]>([
  ["a message without a type", schedule({ name: "a", after: 1, message: { n: 1 } as never })],
  [
    "a message that is no JSON",
    schedule({ name: "a", after: 1, message: { type: "x", at: new Date() } as never }),
  ],
  ["a message over the limit", schedule({ name: "a", after: 1, message: { type: "x".repeat(2_000) } })],
  ["a payload that is none", { effect: "$schedule", payload: 5 }],
  ["a cancel of nothing", { effect: "$cancel", payload: {} }],
  ["a cancel with more than a name", { effect: "$cancel", payload: { name: "a", at: 5 } }],
  ["an effect of the system's that there is not", { effect: "$later", payload: {} }],
])("a decision is faulty with %s", (_, effect) => {
  expect(readDecision({ effects: [effect] }, undefined, rules)).toMatchObject({ kind: "faulty" });
});

test("what a handler does wrong with a timer fails its message, and nothing is set", async () => {
  const entity = defineEntity({
    type: "wrong",
    init: () => 0,
    handle: ({ after }: { type: "set"; after: unknown }) => ({
      events: [{ type: "set" as const }],
      effects: [schedule({ name: "a", after: after as number, message })],
    }),
    update: (_event: { type: "set" }, count) => count + 1,
  });
  await using pachyderm = await Pachyderm.start({ entities: [entity] });
  const ref = entity.ref(newId());
  await expect(pachyderm.send(ref, { type: "set", after: "never" })).rejects.toMatchObject({
    code: "HANDLER_FAILED",
    outcome: "not-committed",
    message: expect.stringContaining('after is milliseconds from 0 on, or text such as "30s"'),
  });
  expect((await pachyderm.get(ref)).version).toBe(0);
  expect(await pachyderm.timers(ref)).toEqual([]);
  await pachyderm.send(ref, { type: "set", after: "1h" });
  expect(await pachyderm.timers(ref)).toHaveLength(1);
});
