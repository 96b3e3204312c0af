// Whatever a handler, an update, a query or a schema does: a typed error for that message, and the node goes on.

import { expect, test } from "vitest";
import { z } from "zod";
import { type Decision, defineEntity, newId } from "../../src/index.ts";
import { EngineNode, failureOf } from "../harness/engine-node.ts";

type Any = { type: string; [key: string]: unknown };

/** An entity whose handler returns whatever the test says. */
function returning(make: () => unknown) {
  return defineEntity({
    type: "returning",
    init: () => ({}),
    handle: (message: Any) =>
      (message.type === "good" ? [{ type: "happened" }] : make()) as Decision<{ type: string }>,
    update: (_event: { type: string }, state) => state,
  });
}

const throwing = (property: string) =>
  Object.defineProperty({}, property, {
    enumerable: true,
    get() {
      throw new Error("a getter broke");
    },
  });

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

test.each<[string, () => unknown]>([
  ["undefined", () => undefined],
  ["a number", () => 3],
  ["a string", () => "yes"],
  ["a function", () => () => 1],
  ["a function without a text", () => Object.assign(() => 1, { toString: () => Object.create(null) })],
  ["a promise", () => Promise.resolve([])],
  ["a promise that rejects", () => Promise.reject(new Error("later"))],
  ["a revoked proxy", revoked],
  ["an object with a broken getter for then", () => throwing("then")],
  ["an object with a broken getter for events", () => throwing("events")],
  ["an object with an unknown key", () => ({ event: [] })],
  ["events that are no array", () => ({ events: {} })],
  ["an event without a type", () => [{ n: 1 }]],
  ["an event of the system's", () => [{ type: "$effects" }]],
  ["an event with a date", () => [{ type: "x", at: new Date() }]],
  ["an event with a broken getter", () => [Object.assign(throwing("n"), { type: "x" })]],
  ["events with a hole", () => Object.assign([{ type: "x" }], { 2: { type: "x" } })],
  ["events that are only holes", () => new Array(3)],
  ["events that end in a hole", () => Object.assign([{ type: "x" }], { length: 2 })],
  ["an effect that nobody knows", () => ({ effects: [{ effect: "nope", payload: 1 }] })],
  ["an effect that is none", () => ({ effects: [null] })],
  ["a reply that is no JSON", () => ({ reply: 1n })],
  ["a reply that is a promise that rejects", () => ({ reply: Promise.reject(new Error("later")) })],
  ["an event with a promise that rejects", () => [{ type: "x", p: Promise.reject(new Error("later")) }]],
  [
    "a throw",
    () => {
      throw new Error("broke");
    },
  ],
  [
    "a throw of nothing",
    () => {
      throw undefined;
    },
  ],
  [
    "a throw of an object without a text",
    () => {
      throw Object.create(null);
    },
  ],
])("a handler that gives %s is HANDLER_FAILED, and nothing is committed", async (_, make) => {
  const entity = returning(make);
  const node = new EngineNode({ entities: [entity] });
  const ref = entity.ref(newId());
  const failure = await failureOf(node.send(ref, { type: "bad" }, { timeoutMs: 1_000 }));
  expect(failure).toMatchObject({ code: "HANDLER_FAILED", outcome: "not-committed", retryable: false });
  expect(await node.records(ref)).toEqual([]);
  expect(await node.send(ref, { type: "good" })).toMatchObject({ version: 1 });
});

test.each<[string, unknown]>([
  ["undefined", undefined],
  ["a date", { at: new Date(0) }],
  ["a BigInt", { n: 1n }],
  ["NaN", { n: Number.NaN }],
  ["a map", new Map()],
  ["a date in an object that the program froze", Object.freeze({ inner: { at: new Date(0) } })],
  ["a BigInt in an object that the program froze", Object.freeze({ n: 1n })],
  ["NaN in an array that the program froze", Object.freeze([Number.NaN])],
])("a state that holds %s is HANDLER_FAILED, and nothing is committed", async (_, state) => {
  const entity = defineEntity({
    type: "stateful",
    init: (): unknown => ({}),
    handle: (message: { type: string }) => (message.type === "bad" ? [{ type: "became" }] : []),
    update: (_event: { type: string }) => state,
    snapshot: { every: 1 },
  });
  const node = new EngineNode({ entities: [entity] });
  const ref = entity.ref(newId());
  expect(await failureOf(node.send(ref, { type: "bad" }, { timeoutMs: 1_000 }))).toMatchObject({
    code: "HANDLER_FAILED",
    outcome: "not-committed",
  });
  expect(await node.records(ref)).toEqual([]);
});

test("what the program froze by itself is frozen to its depth", async () => {
  const entity = defineEntity({
    type: "shallow",
    init: () => Object.freeze({ inner: { n: 0 } }),
    handle: (_message: { type: string }) => [{ type: "became" }],
    update: (_event: { type: string }, { inner }) => Object.freeze({ inner: { n: inner.n + 1 } }),
  });
  const node = new EngineNode({ entities: [entity] });
  const { value } = await node.send(entity.ref(newId()), { type: "go" });
  expect(Object.isFrozen((value as { inner: object }).inner)).toBe(true);
});

test("an update that changes the state in place fails, and nothing is committed", async () => {
  const entity = defineEntity({
    type: "careless",
    init: () => ({ list: [] as number[] }),
    handle: (_message: { type: string }) => [{ type: "added" }],
    update(_event: { type: string }, state) {
      state.list.push(1);
      return state;
    },
  });
  const node = new EngineNode({ entities: [entity] });
  const ref = entity.ref(newId());
  expect(await failureOf(node.send(ref, { type: "go" }))).toMatchObject({ code: "HANDLER_FAILED" });
  expect(await node.records(ref)).toEqual([]);
});

test("an event over the limit is TOO_LARGE, one at the limit is not", async () => {
  const entity = defineEntity({
    type: "wide",
    init: () => null,
    handle: (message: { type: string; length: number }) => [{ type: "w", text: "x".repeat(message.length) }],
    update: (_event: { type: string; text: string }, state) => state,
  });
  const node = new EngineNode({ entities: [entity], maxMessageBytes: 1_024 });
  const ref = entity.ref(newId());
  const rest = JSON.stringify({ type: "w", text: "" }).length;
  expect(await node.send(ref, { type: "go", length: 1_024 - rest })).toMatchObject({ version: 1 });
  expect(await failureOf(node.send(ref, { type: "go", length: 1_025 - rest }))).toMatchObject({
    code: "TOO_LARGE",
    outcome: "not-committed",
  });
});

test("an event schema that changes what it made would change it again at each replay, and is refused", async () => {
  for (const [text, fits] of [
    [z.string().transform((text) => `<${text}>`), false],
    [z.string().transform((text) => text.length), false],
    [z.string().trim(), true],
  ] as const) {
    const entity = defineEntity({
      type: "transforming",
      init: () => null,
      handle: (message: { type: "go" }) => [{ type: message.type, text: " a " } as never],
      update: (_event: { type: "go"; text: unknown }, state) => state,
      event: z.object({ type: z.literal("go"), text }),
    });
    const node = new EngineNode({ entities: [entity] });
    const sent = node.send(entity.ref(newId()), { type: "go" });
    if (fits) expect(await sent).toMatchObject({ version: 1 });
    else expect(await failureOf(sent)).toMatchObject({ code: "HANDLER_FAILED", outcome: "not-committed" });
  }
});

test("a decision of too many events, or of too much together, is TOO_LARGE", async () => {
  const many = returning(() => Array.from({ length: 10_001 }, () => ({ type: "e" })));
  const much = returning(() =>
    Array.from({ length: 18 }, () => ({ type: "e", text: "x".repeat(1_000_000) })),
  );
  for (const entity of [many, much]) {
    const node = new EngineNode({ entities: [entity] });
    const ref = entity.ref(newId());
    expect(await failureOf(node.send(ref, { type: "go" }))).toMatchObject({
      code: "TOO_LARGE",
      outcome: "not-committed",
    });
    expect(await node.send(ref, { type: "good" })).toMatchObject({ version: 1 });
  }
});

const schemed = defineEntity({
  type: "schemed",
  init: () => ({ total: 0 }),
  message: z.object({ type: z.literal("add"), n: z.coerce.number().int().default(1) }),
  event: z.object({ type: z.literal("added"), n: z.number().max(100) }),
  handle: ({ n }) => [{ type: "added" as const, n }],
  update: ({ n }, { total }) => ({ total: total + n }),
});

test("a message schema refuses with issues, and its output is what is handled", async () => {
  const node = new EngineNode({ entities: [schemed] });
  const ref = schemed.ref(newId());
  expect(await node.send(ref, { type: "add", n: "7" })).toMatchObject({ value: { total: 7 } });
  expect(await node.send(ref, { type: "add" })).toMatchObject({ value: { total: 8 } });
  const failure = await failureOf(node.send(ref, { type: "add", n: "x" }));
  expect(failure).toMatchObject({ code: "INVALID_MESSAGE", detail: { issues: [{ path: ["n"] }] } });
});

test("an event schema refuses before anything is stored", async () => {
  const node = new EngineNode({ entities: [schemed] });
  const ref = schemed.ref(newId());
  const failure = await failureOf(node.send(ref, { type: "add", n: 101 }));
  expect(failure).toMatchObject({ code: "HANDLER_FAILED", outcome: "not-committed" });
  expect(await node.records(ref)).toEqual([]);
});

test("a transform of the message schema must yield plain JSON", async () => {
  const entity = defineEntity({
    type: "dated",
    init: () => 0,
    message: z.object({ type: z.string(), at: z.string().transform((text) => new Date(text)) }),
    handle: (_message) => [{ type: "x" }],
    update: (_event: { type: string }, state) => state + 1,
  });
  const node = new EngineNode({ entities: [entity] });
  const failure = await failureOf(node.send(entity.ref(newId()), { type: "go", at: "2020-01-01" }));
  expect(failure).toMatchObject({ code: "INVALID_MESSAGE", detail: { issues: [{ path: ["at"] }] } });
});

const validate = (run: () => unknown) => ({
  "~standard": { version: 1 as const, vendor: "test", validate: run as () => { value: { type: string } } },
});

test.each<[string, () => unknown]>([
  ["is asynchronous", () => Promise.resolve({ value: { type: "x" } })],
  ["is asynchronous and rejects", () => Promise.reject(new Error("later"))],
  [
    "throws",
    () => {
      throw new Error("the schema broke");
    },
  ],
  ["gives nothing", () => undefined],
  ["gives issues that are no list", () => ({ issues: 3 })],
])("a message schema that %s is INVALID_MESSAGE", async (_, run) => {
  const entity = defineEntity({
    type: "odd",
    init: () => 0,
    message: validate(run),
    handle: (_message) => [{ type: "x" }],
    update: (_event: { type: string }, state) => state + 1,
  });
  const node = new EngineNode({ entities: [entity] });
  const failure = await failureOf(node.send(entity.ref(newId()), { type: "go" }));
  expect(failure).toMatchObject({ code: "INVALID_MESSAGE", outcome: "not-committed" });
});
