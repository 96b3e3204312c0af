// Definitions, and what is named beside them, from code that no compiler has seen: refused in words, where they are made.

import { expect, test } from "vitest";
import { defineEffect, defineEntity, newId, Pachyderm } from "../../src/index.ts";
import { readClusterOptions } from "../../src/node/cluster-options.ts";

const spec = {
  type: "thing",
  init: () => ({}),
  handle: () => [],
  update: (_: unknown, state: object) => state,
};
/** As from JavaScript: the types of the words are not looked at. */
const define: (given: never) => unknown = defineEntity;
const effect: (given: never) => unknown = defineEffect;

test.each<[string, unknown, string]>([
  ["null", null, "takes an object"],
  ["no object", "thing", "takes an object"],
  ["upcast", { ...spec, upcast: 5 }, "upcast is a function"],
  ["a schema of messages", { ...spec, message: {} }, "message is a Standard Schema"],
  ["a schema of events", { ...spec, event: { parse() {} } }, "event is a Standard Schema"],
  ["a key that is misspelt", { ...spec, retension: {} }, "there is no retension (did you mean retention?)"],
  ["a key like none", { ...spec, colour: 1 }, "there is no colour (there are: type, init,"],
  [
    "a snapshot's key",
    { ...spec, snapshot: { evry: 5 } },
    "snapshot: there is no evry (did you mean every?)",
  ],
  ["what brings snapshots forward", { ...spec, snapshot: { upcast: 2 } }, "snapshot.upcast is a function"],
  ["snapshots after none", { ...spec, snapshot: { every: 0 } }, "snapshot: false for none"],
  ["a retention's key", { ...spec, retention: { keepEvents: 5, keepMs: 1 } }, "there is no keepMs"],
  ["a view's key", { ...spec, views: { all: { row: () => null, indx: [] } } }, "did you mean index?"],
])("an entity that is none: %s", (_, given, message) => {
  const refused = { code: "INVALID_OPTIONS", message: expect.stringContaining(message) };
  expect(() => define(given as never)).toThrow(expect.objectContaining(refused));
});

test("a row without the field of an index is not found by what all objects have", () => {
  const view = { row: (state: object) => state, index: ["constructor", "toString"] };
  const { viewTables } = defineEntity({ ...spec, views: { all: view } });
  const row = viewTables[0]?.rowOf({ toString: "own" }, { type: "thing", id: newId() });
  expect(row).toEqual({ text: '{"toString":"own"}', values: [null, "town"] });
});

test("an effect that is no object", () => {
  for (const given of [null, undefined, 5])
    expect(() => effect(given as never)).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
});

test("an effect's key that is misspelt", () => {
  const given = { name: "mail", dispatch: () => {} };
  const told = (more: object) => {
    try {
      return effect({ ...given, ...more } as never);
    } catch (thrown) {
      return (thrown as Error).message;
    }
  };
  expect(told({ durabel: {} })).toBe("the effect mail: there is no durabel (did you mean durable?)");
  expect(told({ durable: { attemps: 3 } })).toBe(
    "the effect mail: durable: there is no attemps (did you mean attempts?)",
  );
});

test("an option of start that is misspelt", async () => {
  const refused = { code: "INVALID_OPTIONS", message: "there is no timeoutms (did you mean timeoutMs?)" };
  await expect(Pachyderm.start({ timeoutms: 5 } as object)).rejects.toMatchObject(refused);
});

test("a listener that is no function is refused, and not found out when there is something to tell", async () => {
  const node = await Pachyderm.start();
  const on = (listener: unknown) => () => node.on("conflict", listener as () => void);
  expect(on(5)).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
  expect(on(() => {})).not.toThrow();
  await node.stop();
});

test("certificates that are none, and secrets that are no text, are told at the start", () => {
  const read: (given: never) => unknown = readClusterOptions;
  for (const given of [
    { tls: null },
    { tls: { cert: "a", key: "b", ca: "c" } },
    { secret: 5 },
    { secret: null },
  ])
    expect(() => read(given as never)).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
});
