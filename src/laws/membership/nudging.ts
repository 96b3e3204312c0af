// Hints: who hears them.

import assert from "node:assert/strict";
import { law } from "./law.ts";

export const nudgingLaws = [
  law("a nudge reaches every node, the one that gave it too, each time", async (node, stage) => {
    const nodes = [node, await stage.open(), await stage.open()];
    for (const nudger of [...nodes, ...nodes]) {
      const heard = Promise.all(nodes.map((one) => one.hinted()));
      nudger.membership.nudge();
      await heard;
    }
  }),

  law("a nudge stays in its network", async (node, stage) => {
    const elsewhere = await stage.open(`${stage.network}-2`);
    let strays = 0;
    elsewhere.membership.onNudge(() => {
      strays += 1;
    });
    const heard = node.hinted();
    node.membership.nudge();
    await heard;
    // Its own hint comes behind whatever was sent before.
    const own = elsewhere.hinted();
    elsewhere.membership.nudge();
    await own;
    assert.equal(strays, 0);
  }),

  law("the last listener alone is called, and after close none", async (node, stage) => {
    const other = await stage.open();
    const calls: string[] = [];
    node.membership.onNudge(() => calls.push("first"));
    const { promise, resolve } = Promise.withResolvers<void>();
    node.membership.onNudge(() => {
      calls.push("second");
      resolve();
    });
    other.membership.nudge();
    await promise;
    await node.membership.close();
    const before = calls.length; // a hint may come twice, but after the end none comes
    const heard = other.hinted();
    other.membership.nudge();
    await heard;
    assert.ok(!calls.includes("first"));
    assert.equal(calls.length, before);
  }),
];
