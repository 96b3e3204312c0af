// When a view begins and when it goes, by what the live nodes' code writes.

import { expect, test } from "vitest";
import { defineEntity } from "../../src/core/entity.ts";
import { type Hosting, planViews } from "../../src/engine/view-plan.ts";

const define = (version: number) =>
  defineEntity({
    type: "box",
    formerly: ["crate"],
    init: () => 0,
    handle: (_: { type: "do" }) => [{ type: "done" as const }],
    update: (_: { type: "done" }, n: number) => n + 1,
    views: { all: { version, row: (n) => ({ n }), index: ["n"] } },
  });
const box = define(2);
const own = { table: "box:all", schema: "2.n" };
const old = { table: "box:all", schema: "1.n" };
const node = (schema: string | null, types = ["box", "crate"]): Hosting =>
  schema === null ? { types } : { types, views: [`box:all=${schema}`] };

test("it begins where every node that hosts the type has it, in whatever version", () => {
  const plan = planViews([{ ...old, ready: true }], [box], [node("2.n"), node("1.n"), node(null, ["bag"])]);
  expect(plan).toEqual({ begin: [own], build: [own], drop: [], unwanted: [] });
});

test.each([["box"], ["crate"]])(
  "it does not where one hosts %s without it; what is there goes at once",
  (type) => {
    const there = [
      { ...own, ready: true },
      { ...old, ready: false },
    ];
    const plan = planViews(there, [box], [node("2.n"), node(null, [type])]);
    expect(plan).toEqual({ begin: [], build: [], drop: there, unwanted: [] });
  },
);

test("what is built is left alone, and what no node's code has is unwanted", () => {
  const there = [
    { ...own, ready: true },
    { ...old, ready: true },
  ];
  expect(planViews(there, [box], [node("2.n")])).toEqual({
    begin: [],
    build: [],
    drop: [],
    unwanted: [there[1]],
  });
  expect(planViews([{ ...own, ready: false }], [box], [node("2.n")]).build).toEqual([own]);
});
