// pachyderm/testing: what it accepts, what it refuses, and what its errors say.

import { AssertionError } from "node:assert/strict";
import { expect, test } from "vitest";
import { z } from "zod";
import { reject } from "../../src/core/decision.ts";
import { defineEffect } from "../../src/core/effect.ts";
import { defineEntity } from "../../src/core/entity.ts";
import { given } from "../../src/testing/index.ts";

const mailer = defineEffect({ name: "mailer", dispatch(_payload: { threshold: number }) {} });

type Message =
  | { type: "increment"; amount?: number }
  | { type: "tell-context" }
  | { type: "only-mail" }
  | { type: "throw" };

const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle(message: Message, state, context) {
    switch (message.type) {
      case "throw":
        throw new Error("the handler broke");
      case "only-mail":
        return { effects: [mailer({ threshold: 0 })] };
      case "tell-context":
        return { reply: { ...context } };
      case "increment": {
        if (message.amount === 0) return reject("nothing-to-add", { count: state.count });
        const events = [{ type: "increased" as const, amount: message.amount ?? 1 }];
        return state.count === 9 ? { events, effects: [mailer({ threshold: 10 })], reply: "ten" } : events;
      }
    }
  },
  update(event: { type: "increased"; amount: number }, state) {
    return { count: state.count + event.amount };
  },
});
const nine = [{ type: "increased" as const, amount: 9 }];

function failure(run: () => unknown): Error {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Error) return thrown;
  }
  throw new Error("this should have failed");
}

test("all parts of a decision are compared", () => {
  given(counter, nine)
    .when({ type: "increment" })
    .then({
      events: [{ type: "increased", amount: 1 }],
      effects: [mailer({ threshold: 10 })],
      state: { count: 10 },
      reply: "ten",
    });
});

test.each([
  ["events", { events: [{ type: "increased" as const, amount: 2 }] }],
  ["events", { events: [] }],
  ["effects", { effects: [] }],
  ["effects", { effects: [mailer({ threshold: 11 })] }],
  ["state", { state: { count: 11 } }],
  ["reply", { reply: null }],
  ["rejected", { rejected: "nothing-to-add" }],
])("a part that differs is named: %s %j", (part, expected) => {
  const error = failure(() => given(counter, nine).when({ type: "increment" }).then(expected));
  expect(error).toBeInstanceOf(AssertionError);
  expect(error.message).toContain(`counter, when increment: ${part} not as expected`);
});

test("an error shows each part that differs, what is and what was expected", () => {
  const error = failure(() =>
    given(counter)
      .when({ type: "increment", amount: 5 })
      .then({ events: [{ type: "increased", amount: 6 }], state: { count: 6 }, effects: [] }),
  );
  expect(error.message).toContain("events and state not as expected");
  expect(error.message).toMatch(/\+\s+amount: 5,\n-\s+amount: 6,/);
  expect(error.message).toMatch(/\+\s+count: 5\n-\s+count: 6/);
  expect(error).toMatchObject({ actual: { state: { count: 5 } }, expected: { state: { count: 6 } } });
});

test("a rejection: by code, with or without detail; never unnoticed", () => {
  const zero = () => given(counter, nine).when({ type: "increment", amount: 0 });
  zero().then({ rejected: "nothing-to-add", events: [], effects: [], state: { count: 9 } });
  zero().then({ rejected: { code: "nothing-to-add", detail: { count: 9 } } });
  expect(failure(() => zero().then({ rejected: "other" })).message).toContain("rejected not as expected");
  expect(
    failure(() => zero().then({ rejected: { code: "nothing-to-add", detail: null } })).message,
  ).toContain("rejected not as expected");
  expect(failure(() => zero().then({})).message).toContain("nothing-to-add");
  expect(failure(() => zero().then({ state: { count: 9 } })).message).toContain("rejected not as expected");
});

test("a fault is never unnoticed, and can be expected", () => {
  const broken = () => given(counter).when({ type: "throw" });
  expect(failure(() => broken().then({})).message).toContain("the handler broke");
  expect(failure(() => broken().then({ rejected: "x" })).message).toContain("the handler broke");
  broken()
    .thenFails(/handler broke/)
    .when({ type: "increment" })
    .then({ state: { count: 1 } });
  expect(failure(() => broken().thenFails(/other/)).message).toContain("the handler broke");
  expect(failure(() => given(counter).when({ type: "increment" }).thenFails(/./)).message).toContain(
    "did not",
  );
});

test("messages follow each other, with or without a check between", () => {
  given(counter)
    .when({ type: "increment", amount: 4 })
    .when({ type: "increment", amount: 5 })
    .then({ state: { count: 9 } })
    .when({ type: "increment" })
    .then({ effects: [mailer({ threshold: 10 })], state: { count: 10 } });
  const error = failure(() =>
    given(counter).when({ type: "increment", amount: 0 }).when({ type: "increment" }).then({}),
  );
  expect(error.message).toContain("nothing-to-add");
});

test("the context is the same each time, and parts of it can be set", () => {
  const reference = { type: "counter", id: "00000000-0000-0000-0000-000000000000" };
  given(counter, nine)
    .when({ type: "only-mail" })
    .when({ type: "tell-context" })
    .then({ reply: { reference, version: 2, now: 0, messageId: "message-2" } })
    .when({ type: "tell-context" }, { now: 5 })
    .then({ reply: { reference, version: 2, now: 5, messageId: "message-3" } });
});

test("what the engine refuses is refused here: promises, values that are not JSON, a changed state", () => {
  const faulty = defineEntity({
    type: "faulty",
    init: () => ({ list: [0] }),
    handle(message: { type: string }, state) {
      if (message.type === "promise") return Promise.resolve([]) as never;
      if (message.type === "date") return { reply: new Date(0) };
      if (message.type === "system") return [{ type: "$mine" }];
      if (message.type === "handle-changes") state.list.push(1);
      return [{ type: message.type }];
    },
    update(event: { type: string }, state) {
      if (event.type === "update-changes") state.list.push(1);
      return event.type === "bad-state" ? { list: [Number.NaN] } : state;
    },
  });
  const when = (type: string) => given(faulty).when({ type });
  when("promise").thenFails(/promise/);
  when("date").thenFails(/Date/);
  when("system").thenFails(/\$mine/);
  when("handle-changes").thenFails(/not extensible|read only|frozen/);
  when("update-changes").thenFails(/not extensible|read only|frozen/);
  when("bad-state").thenFails(/NaN/);
  when("").thenFails(/type/);
});

test("schemas check the message, the events and the history", () => {
  const positive = z.object({ type: z.literal("added"), n: z.number().positive() });
  const checked = defineEntity({
    type: "checked",
    init: () => 0,
    handle: (message: { type: "add"; n: number }) => [{ type: "added" as const, n: message.n }],
    update: (event: { type: "added"; n: number }, state) => state + event.n,
    message: z.object({ type: z.literal("add"), n: z.number().max(5) }),
    event: positive,
  });
  given(checked, [{ type: "added", n: 1 }])
    .when({ type: "add", n: 2 })
    .then({ state: 3 });
  given(checked)
    .when({ type: "add", n: 6 })
    .thenFails(/n: .*5/);
  given(checked)
    .when({ type: "add", n: -1 })
    .thenFails(/event's schema/);
  expect(failure(() => given(checked, [{ type: "added", n: -1 }])).message).toContain(
    "given event 0 of checked",
  );
});

test("to await a message that was not checked is an error; a check may be awaited", async () => {
  // @ts-expect-error the compiler refuses it too
  const unchecked = async () => given(counter).when({ type: "increment" });
  await expect(unchecked()).rejects.toThrow("nothing was checked");
  await given(counter)
    .when({ type: "increment" })
    .then({ state: { count: 1 } });
});
