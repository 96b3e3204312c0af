// Every question is settled: by its answer, by the end of its connection, by its deadline, by the end of its node.

import assert from "node:assert/strict";
import type { Parcel, Peer } from "../../ports/transport.ts";
import { until } from "../until.ts";
import { answerOf, Desk, FRAME_BYTES, law } from "./law.ts";

/** How late an answer may be, on a machine that does other things too. */
const LATE_MS = 6_000;

export const endingLaws = [
  law("a peer that dies with questions: they are lost, and it is down", async (asker, stage) => {
    const desk = new Desk();
    const peer = await stage.open(desk.listener);
    const asked = [1, 2, 3].map((i) => asker.ask(peer, [i]));
    await desk.until(3);
    await peer.opened.kill();
    for (const delivery of await Promise.all(asked)) assert.equal(delivery.kind, "lost");
    await asker.untilState(peer, "down");
    assert.equal((await asker.ask(peer, [4])).kind, "undelivered");
    desk.answer(0, ["too late, and harmless"]);
  }),

  law(
    "the deadline: lost where it was sent, and the answer that comes later is nobody's",
    async (asker, stage) => {
      const desk = new Desk();
      const peer = await stage.open(desk.listener);
      const asked = asker.ask(peer, ["first"], 200);
      await desk.until(1);
      const before = stage.backend.clock.monotonicMs();
      assert.equal((await asked).kind, "lost");
      assert.ok(stage.backend.clock.monotonicMs() - before < 200 + LATE_MS);
      const next = asker.ask(peer, ["second"]);
      await desk.until(2);
      desk.answer(0, ["of the first"]);
      desk.answer(1, ["of the second"]);
      assert.deepEqual(answerOf(await next), ["of the second"]);
    },
  ),

  law("the deadline: undelivered where nothing was sent, and then it never is", async (asker, stage) => {
    const desk = new Desk();
    const peer = await stage.open(desk.listener);
    peer.opened.hold();
    const asked = asker.ask(peer, [1], 200);
    assert.equal((await asked).kind, "undelivered");
    peer.opened.release();
    await asker.untilState(peer, "up");
    const next = asker.ask(peer, [2]);
    await desk.until(1);
    assert.deepEqual(desk.questions[0]?.question, [2]);
    desk.answer(0, []);
    await next;
  }),

  law("close lets what was asked of the node be answered, and then ends", async (asker, stage) => {
    const desk = new Desk();
    const peer = await stage.open(desk.listener);
    const asked = [1, 2].map((i) => asker.ask(peer, [i]));
    await desk.until(2);
    const closed = peer.transport.close(peer.deadline());
    desk.answer(1, ["b"]);
    desk.answer(0, ["a"]);
    assert.deepEqual((await Promise.all(asked)).map(answerOf), [["a"], ["b"]]);
    await closed;
    await asker.untilState(peer, "down");
    assert.equal((await asker.ask(peer, [3])).kind, "undelivered");
  }),

  law("close ends at its deadline, whatever is not answered: that is lost", async (asker, stage) => {
    const desk = new Desk();
    const peer = await stage.open(desk.listener);
    const asked = asker.ask(peer, [1]);
    await desk.until(1);
    const before = stage.backend.clock.monotonicMs();
    await peer.transport.close(peer.deadline(200));
    assert.ok(stage.backend.clock.monotonicMs() - before < 200 + LATE_MS);
    assert.equal((await asked).kind, "lost");
    desk.answer(0, ["too late, and harmless"]);
  }),

  law(
    "close settles what the node itself asked, and what it asks then is undelivered",
    async (asker, stage) => {
      const desk = new Desk();
      const peer = await stage.open(desk.listener);
      const held = await stage.open();
      held.opened.hold();
      const sent = asker.ask(peer, [1]);
      const unsent = asker.ask(held, [2]);
      await desk.until(1);
      await asker.transport.close(asker.deadline(0));
      assert.equal((await sent).kind, "lost");
      assert.equal((await unsent).kind, "undelivered");
      assert.equal((await asker.ask(peer, [3])).kind, "undelivered");
      asker.transport.keep([peer.peer]);
      await asker.transport.close(asker.deadline(0));
      assert.equal(asker.state(peer), "new");
      assert.equal(desk.questions.length, 1);
      desk.answer(0, ["harmless"]);
    },
  ),

  law("whoever asks hears of it once, and never before the asking has ended", async (asker, stage) => {
    const peer = await stage.open((question, answer) => answer(question));
    const nobody = { id: "nobody", address: await stage.backend.nobody(stage.network) };
    const heard: string[] = [];
    const ask = (to: Peer, what: Parcel): void => {
      const before = heard.length;
      asker.transport.ask(to, what, asker.deadline(), ({ kind }) => heard.push(kind));
      assert.equal(heard.length, before);
    };
    await asker.answerOf(peer, [1]);
    ask(peer.peer, [2]);
    ask(peer.peer, ["x".repeat(FRAME_BYTES + 1)]);
    await asker.ask(nobody, [3]);
    ask(nobody, [4]);
    await until("each was heard of", async () => heard.length >= 3);
    await asker.transport.close(asker.deadline(0));
    ask(peer.peer, [5]);
    await until("the last one was heard of", async () => heard.length >= 4);
    assert.deepEqual(heard.toSorted(), ["answered", "refused", "undelivered", "undelivered"]);
  }),

  law("a peer that is not kept is let go, but not while something is under way", async (asker, stage) => {
    const desk = new Desk();
    const [idle, busy] = [await stage.open(), await stage.open(desk.listener)];
    await asker.answerOf(idle, [1]);
    const asked = asker.ask(busy, [2]);
    await desk.until(1);
    asker.transport.keep([]);
    assert.equal(asker.state(idle), "new");
    assert.equal(asker.state(busy), "up");
    desk.answer(0, ["still there"]);
    assert.deepEqual(answerOf(await asked), ["still there"]);
    await until("the other one is let go too", async () => {
      asker.transport.keep([]);
      return asker.state(busy) === "new";
    });
    assert.deepEqual(await asker.answerOf(idle, [3]), [3]);
  }),
];
