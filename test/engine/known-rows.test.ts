// The rows that a runner of a subscription remembers: bounded, the newest stay.

import { expect, test } from "vitest";
import { KnownRows } from "../../src/engine/log/known-rows.ts";

test("a row, and that there is none, are remembered as they were last set", () => {
  const rows = new KnownRows();
  rows.set("a", "1");
  rows.set("b", null);
  rows.set("a", "22");
  expect([rows.get("a"), rows.get("b"), rows.get("c")]).toEqual(["22", null, undefined]);
});

test("of too many the oldest are forgotten", () => {
  const rows = new KnownRows();
  const row = "x".repeat(1_000);
  for (let i = 0; i < 1_000; i++) rows.set(`${i}`, row);
  rows.set("900", "small"); // again: the newest now
  for (let i = 1_000; i < 1_100; i++) rows.set(`${i}`, row);
  expect(rows.get("0")).toBeUndefined();
  expect(rows.get("1099")).toBe(row);
  expect(rows.get("900")).toBe("small");
  const known = Array.from({ length: 1_100 }, (_, i) => rows.get(`${i}`)).filter((one) => one !== undefined);
  expect(known.length).toBeGreaterThan(255);
  expect(known.length).toBeLessThan(263);
});

test("one that is larger than all may be is not kept", () => {
  const rows = new KnownRows();
  rows.set("large", "x".repeat(300_000));
  expect(rows.get("large")).toBeUndefined();
  rows.set("small", "1");
  expect(rows.get("small")).toBe("1");
});
