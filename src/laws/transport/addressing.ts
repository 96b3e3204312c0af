// Only the node that is meant hears a question; who is not there is known at once, and found when it comes.

import assert from "node:assert/strict";
import { Desk, law, type Node, type Stage } from "./law.ts";

async function closedOne(stage: Stage): Promise<Node> {
  const node = await stage.open();
  await node.opened.kill();
  return node;
}

export const addressingLaws = [
  law("where nobody is, a question is undelivered, and the peer is down", async (asker, stage) => {
    const peer = { id: "nobody", address: await stage.backend.nobody(stage.network) };
    assert.equal((await asker.ask(peer, [1])).kind, "undelivered");
    assert.equal(asker.state(peer), "down");
    assert.equal((await asker.ask(peer, [2])).kind, "undelivered");
    assert.deepEqual(asker.statesOf(peer), ["down"]);
  }),

  law("another node at the address does not hear the question: it is undelivered", async (asker, stage) => {
    const desk = new Desk();
    const other = await stage.open(desk.listener);
    const peer = { id: "somebody-else", address: other.peer.address };
    assert.equal((await asker.ask(peer, [1])).kind, "undelivered");
    assert.equal(asker.state(peer), "down");
    assert.equal(desk.questions.length, 0);
    // It is the pair that names a peer: the one that is there can be asked.
    const asked = asker.ask(other, [2]);
    await desk.until(1);
    assert.deepEqual(desk.questions[0]?.question, [2]);
    desk.answer(0, []);
    await asked;
  }),

  law("a peer of which nothing was asked is new; one that is named is connected to", async (asker, stage) => {
    const peer = await stage.open();
    assert.equal(asker.state(peer), "new");
    asker.transport.keep([peer.peer]);
    await asker.untilState(peer, "up");
    assert.deepEqual(asker.statesOf(peer.peer), ["up"]);
  }),

  law("a node that comes to the address later is found, without being asked", async (asker, stage) => {
    const gone = await closedOne(stage);
    assert.equal((await asker.ask(gone, [1])).kind, "undelivered");
    const back = await stage.open(undefined, { id: gone.id, at: gone.peer.address });
    await asker.untilState(back, "up");
    assert.deepEqual(await asker.answerOf(back, [2]), [2]);
  }),

  law(
    "a node that was replaced at its address stays down, and the new one can be asked",
    async (asker, stage) => {
      const old = await stage.open();
      await asker.answerOf(old, [1]);
      await old.opened.kill();
      await asker.untilState(old, "down");
      const next = await stage.open(undefined, { at: old.peer.address });
      assert.deepEqual(await asker.answerOf(next, [2]), [2]);
      assert.equal((await asker.ask(old, [3])).kind, "undelivered");
      assert.equal(asker.state(old), "down");
      assert.equal(asker.state(next), "up");
    },
  ),
];
