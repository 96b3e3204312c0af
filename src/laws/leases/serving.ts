// Answers in time, whatever befalls the server.

import assert from "node:assert/strict";
import type { FaultyServer } from "../server.ts";
import { asHeld, LONG_MS, law, type Stage } from "./law.ts";

/** How late an answer may be, on a machine that does other things too. */
const LATE_MS = 6_000;

export const servingLaws = [
  law("where no time is left the answer is `unavailable`, and nothing is claimed", async (holder, stage) => {
    const past = holder.deadline(0);
    const lease = await holder.acquire(0);
    assert.equal((await holder.leases.acquire(1, past)).kind, "unavailable");
    assert.equal((await holder.leases.extend(lease, past)).kind, "unavailable");
    assert.equal(await stage.remaining(1), 0);
    await holder.leases.release(lease, past);
  }),

  law("after close every answer is `unavailable`, and the claims stand", async (holder, stage) => {
    const other = await stage.open();
    const lease = await holder.acquire(0);
    const underWay = [holder.claim(1), holder.claim(2)];
    await holder.leases.close();
    for (const kind of await Promise.all(underWay)) assert.ok(["held", "unavailable"].includes(kind));
    assert.equal(await holder.claim(3), "unavailable");
    assert.equal((await holder.extend(lease)).kind, "unavailable");
    await holder.release(lease);
    await holder.leases.close();
    assert.equal(await other.claim(0), "taken");
    assert.equal(await other.claim(3), "held");
  }),

  law(
    "a frozen server: `unavailable` at the deadline; when it thaws, claims stand and more can be made",
    async (holder, stage) => {
      const server = serverOf(stage);
      const { clock } = stage.backend;
      const lease = await holder.acquire(0);
      server.freeze();
      try {
        const asked = clock.monotonicMs();
        const answers = await Promise.all([
          holder.leases.acquire(1, holder.deadline(300)),
          holder.leases.extend(lease, holder.deadline(300)),
          holder.leases.release(await Promise.resolve(lease), holder.deadline(300)),
        ]);
        const took = clock.monotonicMs() - asked;
        assert.deepEqual(
          answers.map((answer) => answer?.kind),
          ["unavailable", "unavailable", undefined],
        );
        assert.ok(took < 300 + LATE_MS, `answered after ${took} ms`);
      } finally {
        server.thaw();
      }
      const other = await stage.open();
      await other.untilAcquired(2);
      // Nobody heard of the claim that was cut short: it was given back, behind it on the same line.
      await other.untilAcquired(1);
    },
  ),

  law(
    "a restart of the server heals by itself, and a claim that it remembers is extended",
    async (holder, stage) => {
      const other = await stage.open();
      const lease = await holder.acquire(0);
      await serverOf(stage).restart();
      await holder.untilAcquired(1);
      const { kind } = await holder.extend(lease);
      assert.ok(kind === "held" || kind === "taken", kind);
      const theirs = await other.untilAcquired(2); // from here on it has a connection again
      if (kind === "held") assert.equal(await other.claim(0), "taken");
      const longer = asHeld(await other.extend(theirs));
      assert.ok(longer.until > stage.backend.clock.monotonicMs() + LONG_MS / 2);
    },
  ),
];

function serverOf(stage: Stage): FaultyServer {
  return stage.backend.server ?? assert.fail("this backend has no server");
}
