// A peer that is connected and not heard of, and what becomes of it.

import assert from "node:assert/strict";
import type { PeerState } from "../../ports/transport.ts";
import { answerOf, Desk, law } from "./law.ts";

export const silenceLaws = [
  law(
    "a frozen peer is silent, and answers what it was asked when it thaws: it is up again",
    async (asker, stage) => {
      const desk = new Desk();
      const peer = await stage.open(desk.listener);
      const before = asker.ask(peer, ["before"]);
      await desk.until(1);
      peer.opened.hold();
      const during = asker.ask(peer, ["during"]);
      await asker.untilState(peer, "silent");
      const after = asker.ask(peer, ["after"]);
      desk.answer(0, ["a"]);
      peer.opened.release();
      await desk.until(3);
      for (const i of [1, 2]) desk.answer(i, desk.questions[i]?.question ?? []);
      assert.deepEqual((await Promise.all([before, during, after])).map(answerOf), [
        ["a"],
        ["during"],
        ["after"],
      ]);
      await asker.untilState(peer, "up");
      assert.equal(desk.questions.length, 3);
    },
  ),

  law("a peer that has nothing to say is up, for all that is known of it", async (asker, stage) => {
    const [quiet, frozen] = [await stage.open(), await stage.open()];
    asker.transport.keep([quiet.peer, frozen.peer]);
    await asker.untilState(quiet, "up");
    await asker.untilState(frozen, "up");
    // While one falls silent the other had the same time to.
    frozen.opened.hold();
    await asker.untilState(frozen, "silent");
    assert.deepEqual(asker.statesOf(quiet.peer), ["up"]);
  }),

  law("a silent peer that dies is down, and what it was asked is lost", async (asker, stage) => {
    const desk = new Desk();
    const peer = await stage.open(desk.listener);
    const asked = asker.ask(peer, [1]);
    await desk.until(1);
    peer.opened.hold();
    await asker.untilState(peer, "silent");
    await peer.opened.kill();
    assert.equal((await asked).kind, "lost");
    await asker.untilState(peer, "down");
  }),

  law("each change of state is told once, and to the last listener", async (asker, stage) => {
    const peer = await stage.open();
    await asker.answerOf(peer, [1]);
    peer.opened.hold();
    await asker.untilState(peer, "silent");
    peer.opened.release();
    await asker.untilState(peer, "up");
    assert.deepEqual(asker.statesOf(peer.peer), ["up", "silent", "up"]);
    const told: PeerState[] = [];
    asker.transport.onState((of, state) => {
      assert.equal(asker.transport.state(of), state);
      told.push(state);
    });
    await peer.opened.kill();
    await asker.untilState(peer, "down");
    await stage.open(undefined, { id: peer.id, at: peer.peer.address });
    await asker.untilState(peer, "up");
    assert.deepEqual(told, ["down", "up"]);
    assert.equal(asker.statesOf(peer.peer).length, 3);
  }),
];
