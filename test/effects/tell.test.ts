// Messages from entity to entity: each is handled exactly once, a rejection being one way of handling it.

import { expect, test } from "vitest";
import { defineEffect, defineEntity, newId, reject, tell } from "../../src/index.ts";
import { backends, DurableNodes, untilDone } from "../harness/durable-nodes.ts";
import { until } from "../harness/until.ts";

const nodes = new DurableNodes("tell");

interface Say {
  readonly type: "say";
  readonly to: { readonly type: string; readonly id: string };
  readonly word: string;
  readonly delayMs?: number;
  readonly onRejected?: { readonly type: "sorry"; readonly word: string };
}

type Message =
  | Say
  | { readonly type: "hear"; readonly word: string }
  | { readonly type: "sorry"; readonly word: string };

const note = defineEffect({
  name: "note",
  durable: {},
  dispatch: (payload: string, config: unknown) => noted.push([payload, config]),
});
const noted: unknown[] = [];
let handlerFails = 0;

const person = defineEntity({
  type: "person",
  init: () => ({ words: [] as readonly string[] }),
  handle(message: Message, state) {
    switch (message.type) {
      case "say": {
        const { to, word, delayMs, onRejected } = message;
        const options = {
          ...(delayMs === undefined ? {} : { delayMs }),
          ...(onRejected === undefined ? {} : { onRejected }),
        };
        return {
          events: [{ type: "spoke" as const, word: `said ${word}` }],
          effects: [tell(to, { type: "hear", word }, options)],
        };
      }
      case "hear":
        if (message.word === "rude") return reject("rude", { heard: state.words.length });
        if (message.word === "hard" && handlerFails-- > 0) throw new Error("too hard");
        return {
          events: [{ type: "spoke" as const, word: message.word }],
          effects: message.word === "note" ? [note("noted")] : [],
        };
      case "sorry":
        return [{ type: "spoke" as const, word: message.word }];
    }
  },
  update: ({ word }: { readonly type: "spoke"; readonly word: string }, { words }) => ({
    words: [...words, word],
  }),
});

const options = { entities: [person], effects: [note] };

test.each(backends)("%s: it comes, once", async (backend) => {
  const node = await nodes.start(backend, options);
  const [a, b] = [person.ref(newId()), person.ref(newId())];
  for (let i = 0; i < 20; i++) await node.send(a, { type: "say", to: b, word: `${i}` });
  await untilDone(node);
  const { words } = (await node.get(b)).state;
  expect(words.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`).toSorted());
});

test.each(backends)("%s: to itself, and on to what the sender gave as config", async (backend) => {
  const node = await nodes.start(backend, options);
  noted.length = 0;
  const a = person.ref(newId());
  await node.send(a, { type: "say", to: a, word: "note" }, { config: { from: "the sender" } });
  await until("the effect of what was told has run", () => noted.length === 1);
  expect(noted).toEqual([["noted", { from: "the sender" }]]);
  expect((await node.get(a)).state.words).toEqual(["said note", "note"]);
});

test.each(backends)("%s: rejected, without a message for that: listed as failed at once", async (backend) => {
  const node = await nodes.start(backend, options);
  const [a, b] = [person.ref(newId()), person.ref(newId())];
  await node.send(a, { type: "say", to: b, word: "rude" });
  await until("it is listed as failed", async () => (await node.effects.failed()).length === 1);
  const [failed] = await node.effects.failed();
  expect(failed).toMatchObject({
    effect: "$tell",
    reference: { type: "person", id: a.id },
    version: 1,
    error: "REJECTED: rejected: rude",
  });
  expect((await node.get(b)).version).toBe(0);
  // Retried, it is rejected again, by its receipt.
  await node.effects.retry(failed?.id ?? "");
  await until(
    "it is listed as failed again",
    async () => (await node.effects.failed())[0]?.error.includes("before") === true,
  );
  expect(await node.effects.drop(failed?.id ?? "")).toBe(1);
});

test.each(backends)("%s: rejected, the message for that goes back, once", async (backend) => {
  const node = await nodes.start(backend, options);
  const [a, b] = [person.ref(newId()), person.ref(newId())];
  await node.send(a, { type: "say", to: b, word: "rude", onRejected: { type: "sorry", word: "never mind" } });
  await untilDone(node);
  expect((await node.get(a)).state.words).toEqual(["said rude", "never mind"]);
  expect((await node.get(b)).version).toBe(0);
});

test.each(backends)("%s: a handler that throws is tried again; not before its time", async (backend) => {
  const node = await nodes.start(backend, options);
  handlerFails = 2;
  const [a, b] = [person.ref(newId()), person.ref(newId())];
  await node.send(a, { type: "say", to: b, word: "hard" });
  const from = performance.now();
  await node.send(a, { type: "say", to: b, word: "later", delayMs: 200 });
  await until("it was told", async () => (await node.get(b)).state.words.includes("later"));
  expect(performance.now() - from).toBeGreaterThan(190);
  await untilDone(node);
  expect((await node.get(b)).state.words.toSorted()).toEqual(["hard", "later"]);
});

test.each(backends)(
  "%s: to a type that nobody hosts yet, it waits, and no attempt is counted",
  async (backend) => {
    const node = await nodes.start(backend, options);
    await node.send(person.ref(newId()), {
      type: "say",
      to: { type: "stranger", id: newId() },
      word: "hello",
    });
    await until("it waits", async () => (await node.effects.counts()).delayed === 1);
    expect(await node.effects.failed()).toEqual([]);
  },
);

test.each(backends)("%s: a tell that is not sound fails the message that brought it", async (backend) => {
  const node = await nodes.start(backend, options);
  const a = person.ref(newId());
  const faulty: readonly [Partial<Say>, RegExp][] = [
    [{ to: { type: "person", id: "nobody" } }, /UUID/],
    [{ delayMs: -1 }, /delayMs/],
    [{ onRejected: { word: "no type" } as never }, /onRejected/],
  ];
  for (const [part, why] of faulty) {
    const sending = node.send(a, { type: "say", to: a, word: "x", ...part });
    await expect(sending).rejects.toMatchObject({
      code: "HANDLER_FAILED",
      message: expect.stringMatching(why),
    });
  }
  expect((await node.get(a)).version).toBe(0);
});
