// Questions arrive once and in order, and answers are those of their questions.

import assert from "node:assert/strict";
import type { Parcel } from "../../ports/transport.ts";
import { answerOf, Desk, law } from "./law.ts";

const parts: Parcel = [
  "",
  "plain",
  "käse 🧀 \u0000 \ud83d\ude00 \u2028",
  "x".repeat(40_000),
  "__proto__",
  0,
  -1,
  0.1,
  1e308,
  5e-324,
  127,
  128,
  -32_769,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 32,
  1_796_000_000_123,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  true,
  false,
  null,
];

export const deliveringLaws = [
  law("every part arrives as it was, there and back", async (asker, stage) => {
    const desk = new Desk();
    const peer = await stage.open(desk.listener);
    const asked = asker.ask(peer, parts);
    await desk.until(1);
    assert.deepEqual(desk.questions[0]?.question, parts);
    desk.answer(0, parts.toReversed());
    assert.deepEqual(answerOf(await asked), parts.toReversed());
    const empty = asker.ask(peer, []);
    await desk.until(2);
    assert.deepEqual(desk.questions[1]?.question, []);
    desk.answer(1, []);
    assert.deepEqual(answerOf(await empty), []);
  }),

  law(
    "of many in flight each gets the answer to its own, in whatever order they come",
    async (asker, stage) => {
      const desk = new Desk();
      const peer = await stage.open(desk.listener);
      const count = 2_000;
      const asked = Array.from({ length: count }, (_, i) => asker.ask(peer, ["q", i]));
      await desk.until(count);
      // Odd ones first and backwards, the even ones afterwards.
      const places = Array.from({ length: count }, (_, i) => i);
      const order = [...places.filter((i) => i % 2 === 1).toReversed(), ...places.filter((i) => i % 2 === 0)];
      for (const i of order) desk.answer(i, ["a", desk.questions[i]?.question[1] ?? null]);
      const answers = (await Promise.all(asked)).map(answerOf);
      assert.deepEqual(
        answers,
        places.map((i) => ["a", i]),
      );
    },
  ),

  law("questions arrive in the order in which they were asked, and each once", async (asker, stage) => {
    const desk = new Desk();
    const peer = await stage.open(desk.listener);
    const asked = [];
    // The first ones before there is a connection, the others over many turns of the loop, small and large.
    for (let i = 0; i < 500; i++) {
      asked.push(asker.ask(peer, [i, "x".repeat(i % 50 === 0 ? 20_000 : 10)]));
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await desk.until(500);
    assert.deepEqual(
      desk.questions.map(({ question: [i] }) => i),
      asked.map((_, i) => i),
    );
    for (const { answer } of desk.questions) answer([]);
    await Promise.all(asked);
    assert.equal(desk.questions.length, 500);
  }),

  law("an answer counts once", async (asker, stage) => {
    const peer = await stage.open((question, answer) => {
      answer(["first", ...question]);
      answer(["second", ...question]);
    });
    assert.deepEqual(await asker.answerOf(peer, [1]), ["first", 1]);
    assert.deepEqual(await asker.answerOf(peer, [2]), ["first", 2]);
  }),

  law("two nodes ask each other at once, and one that answers may ask first", async (asker, stage) => {
    const desk = new Desk();
    const one = await stage.open(desk.listener);
    const two = await stage.open(async (question, answer) => {
      const behind = await one.ask(asker, ["behind", ...question]);
      answer(answerOf(behind));
    });
    const [there, back] = [one.ask(two, [1]), two.ask(one, [2])];
    await desk.until(1);
    desk.answer(0, ["back"]);
    assert.deepEqual(answerOf(await there), ["behind", 1]);
    assert.deepEqual(answerOf(await back), ["back"]);
  }),

  law("a node that only asks is answered", async (_, stage) => {
    const sender = await stage.open(null);
    const peer = await stage.open();
    assert.equal(sender.transport.address, null);
    assert.deepEqual(await sender.answerOf(peer, ["a", 1]), ["a", 1]);
  }),
];
