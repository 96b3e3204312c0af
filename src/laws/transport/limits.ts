// Nothing larger than a frame, and no more than may wait.

import assert from "node:assert/strict";
import type { Delivery } from "../../ports/transport.ts";
import { answerOf, FRAME_BYTES, law, WAITING_BYTES } from "./law.ts";

/** More than any operating system takes off a sender's hands. */
const MOST_BYTES = 64 * 1_048_576;

export const limitLaws = [
  law("a question larger than a frame is refused as `size`, and harms no other", async (asker, stage) => {
    const peer = await stage.open();
    const large = "x".repeat(FRAME_BYTES + 1);
    const [before, refused, wide, after] = await Promise.all([
      asker.ask(peer, [1]),
      asker.ask(peer, [large]),
      asker.ask(peer, ["€".repeat(FRAME_BYTES / 2)]),
      asker.ask(peer, [2]),
    ]);
    assert.deepEqual([answerOf(before), answerOf(after)], [[1], [2]]);
    for (const one of [refused, wide]) assert.deepEqual([one.kind, whyOf(one)], ["refused", "size"]);
    assert.equal(whyOf(await asker.ask(peer, [large])), "size");
    assert.deepEqual(asker.statesOf(peer.peer), ["up"]);
  }),

  law("one that just fits arrives, and many of them", async (asker, stage) => {
    const peer = await stage.open((_, answer) => answer([]));
    for (let rounds = 0; rounds < 10; rounds++) {
      const text = "x".repeat(FRAME_BYTES - 100);
      assert.deepEqual(await asker.answerOf(peer, [text]), []);
    }
  }),

  law("many that together are more than a frame arrive, in whatever letters", async (asker, stage) => {
    const peer = await stage.open((_, answer) => answer(["€".repeat(1_000)]));
    const texts = ["x".repeat(3_000), "ü".repeat(3_000), "€".repeat(3_000), "🧀".repeat(1_500)];
    for (const text of texts) {
      const asked = Array.from({ length: 20 }, () => asker.ask(peer, [text]));
      for (const delivery of await Promise.all(asked)) assert.equal(answerOf(delivery).length, 1);
    }
    assert.deepEqual(asker.statesOf(peer.peer), ["up"]);
  }),

  law("an answer larger than a frame is told to be `oversized`, and harms no other", async (asker, stage) => {
    const peer = await stage.open((question, answer) =>
      answer(question[0] === "large" ? ["x".repeat(FRAME_BYTES + 1)] : question),
    );
    const [before, large, after] = await Promise.all([
      asker.ask(peer, [1]),
      asker.ask(peer, ["large"]),
      asker.ask(peer, [2]),
    ]);
    assert.deepEqual([answerOf(before), answerOf(after)], [[1], [2]]);
    assert.equal(large.kind, "oversized");
    assert.deepEqual(asker.statesOf(peer.peer), ["up"]);
  }),

  law(
    "where too much waits on the way, questions are refused as `full`, and those before it arrive",
    async (asker, stage) => {
      const arrived: number[] = [];
      const peer = await stage.open((question, answer) => {
        arrived.push(question[0] as number);
        answer([]);
      });
      await asker.answerOf(peer, [0]);
      peer.opened.hold();
      const text = "x".repeat(FRAME_BYTES / 2);
      const asked: Promise<Delivery>[] = [];
      let refused: Delivery | undefined;
      for (let i = 1; refused === undefined; i++) {
        assert.ok(i * text.length < MOST_BYTES, "never full");
        const delivery = asker.ask(peer, [i, text], 30_000);
        refused = await Promise.race([
          delivery,
          new Promise<undefined>((resolve) => setImmediate(resolve, undefined)),
        ]);
        if (refused === undefined) asked.push(delivery);
      }
      assert.deepEqual([refused.kind, whyOf(refused)], ["refused", "full"]);
      assert.ok(asked.length * text.length > WAITING_BYTES / 2, "so much may wait");
      peer.opened.release();
      for (const delivery of await Promise.all(asked)) assert.equal(delivery.kind, "answered");
      assert.deepEqual(
        arrived,
        [0, ...asked].map((_, i) => i),
      );
      assert.deepEqual(await asker.answerOf(peer, [-1]), []);
    },
  ),
];

function whyOf(delivery: Delivery): string {
  return delivery.kind === "refused" ? delivery.why : delivery.kind;
}
