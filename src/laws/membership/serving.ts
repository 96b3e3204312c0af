// Answers in time, whatever befalls the server.

import assert from "node:assert/strict";
import type { FaultyServer } from "../server.ts";
import { until } from "../until.ts";
import { law, memberOf, type Stage } from "./law.ts";

/** How late an answer may be, on a machine that does other things too. */
const LATE_MS = 6_000;

export const servingLaws = [
  law("where no time is left the answer is `unavailable`, and nothing was told", async (node) => {
    const past = node.deadline(0);
    assert.equal((await node.membership.announce(memberOf("a"), 60_000, past)).kind, "unavailable");
    assert.equal((await node.membership.look(past)).kind, "unavailable");
    assert.deepEqual(await node.ids(), []);
    await node.announce(memberOf("a"));
    await node.membership.leave("a", past);
  }),

  law(
    "after close every answer is `unavailable`, what is under way is answered, and others go on",
    async (node, stage) => {
      const other = await stage.open();
      await node.announce(memberOf("a"));
      const underWay = [
        node.membership.look(node.deadline()),
        node.membership.announce(memberOf("a"), 60_000, node.deadline()),
      ];
      await node.membership.close();
      for (const seen of await Promise.all(underWay)) assert.ok(["seen", "unavailable"].includes(seen.kind));
      assert.equal((await node.membership.look(node.deadline())).kind, "unavailable");
      assert.equal(
        (await node.membership.announce(memberOf("a"), 60_000, node.deadline())).kind,
        "unavailable",
      );
      await node.membership.leave("a", node.deadline());
      node.membership.nudge();
      await node.membership.close();
      assert.deepEqual(await other.ids(), ["a"], "closing is not leaving");
    },
  ),

  law("a frozen server: `unavailable` at the deadline; when it thaws, all is well", async (node, stage) => {
    const server = serverOf(stage);
    await node.announce(memberOf("a"));
    server.freeze();
    try {
      const asked = stage.backend.clock.monotonicMs();
      const answers = await Promise.all([
        node.membership.look(node.deadline(300)),
        node.membership.announce(memberOf("a"), 60_000, node.deadline(300)),
        node.membership.leave("b", node.deadline(300)),
      ]);
      const took = stage.backend.clock.monotonicMs() - asked;
      assert.deepEqual(
        answers.map((answer) => answer?.kind),
        ["unavailable", "unavailable", undefined],
      );
      assert.ok(took < 300 + LATE_MS, `answered after ${took} ms`);
    } finally {
      server.thaw();
    }
    await until(
      "it answers again",
      async () => (await node.membership.look(node.deadline(500))).kind === "seen",
    );
    await node.announce(memberOf("a", { partitions: [1] }));
    assert.deepEqual((await node.look()).members, [memberOf("a", { partitions: [1] })]);
  }),

  law(
    "a restart of the server heals by itself: announcing, and hints, which are told to be missed",
    async (node, stage) => {
      const other = await stage.open();
      const missed = other.hinted();
      await serverOf(stage).restart();
      await node.announce(memberOf("a"));
      await other.announce(memberOf("b"));
      assert.deepEqual(await node.ids(), ["a", "b"]);
      await missed;
      let heard = false;
      other.membership.onNudge(() => {
        heard = true;
      });
      await until("a nudge arrives", async () => {
        node.membership.nudge();
        return heard;
      });
    },
  ),
];

function serverOf(stage: Stage): FaultyServer {
  return stage.backend.server ?? assert.fail("this backend has no server");
}
