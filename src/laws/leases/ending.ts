// Released, lost, and claimed anew.

import assert from "node:assert/strict";
import { asHeld, law } from "./law.ts";

export const endingLaws = [
  law("a released one is free at once, for anybody", async (holder, stage) => {
    const other = await stage.open();
    await holder.release(await holder.acquire(0));
    const theirs = await other.acquire(0);
    await other.release(theirs);
    await holder.acquire(0);
  }),

  law("a released one is not extended", async (holder) => {
    const lease = await holder.acquire(0);
    await holder.release(lease);
    assert.deepEqual(await holder.extend(lease), { kind: "taken" });
    await holder.release(lease);
    await holder.acquire(0);
  }),

  law("the lease that was extended, and the one before, name the same claim", async (holder, stage) => {
    const first = await holder.acquire(0);
    const second = asHeld(await holder.extend(first));
    const third = asHeld(await holder.extend(first));
    assert.ok(third.until >= second.until);
    await holder.release(first);
    assert.deepEqual(await holder.extend(third), { kind: "taken" });
    assert.equal(await stage.remaining(0), 0);
  }),

  law("one that has ended is `taken` to whoever had it, even while nobody has it", async (holder, stage) => {
    const lease = await holder.acquire(0);
    await stage.backend.end(stage.network, 0);
    assert.deepEqual(await holder.extend(lease), { kind: "taken" });
    assert.equal(await stage.remaining(0), 0, "asking did not claim it");
  }),

  law(
    "one that another has by now is `taken`, and its release leaves that one's claim alone",
    async (holder, stage) => {
      const other = await stage.open();
      const lease = await holder.acquire(0);
      await stage.backend.end(stage.network, 0);
      const theirs = await other.acquire(0);
      assert.deepEqual(await holder.extend(lease), { kind: "taken" });
      await holder.release(lease);
      assert.equal(await holder.claim(0), "taken");
      asHeld(await other.extend(theirs));
    },
  ),

  law("the lease of an ended claim does nothing to the same holder's new claim", async (holder, stage) => {
    const old = await holder.acquire(0);
    await stage.backend.end(stage.network, 0);
    const lease = await holder.acquire(0);
    assert.deepEqual(await holder.extend(old), { kind: "taken" });
    await holder.release(old);
    asHeld(await holder.extend(lease));
  }),

  law("a copy of a lease, or another holder's, names no claim", async (holder, stage) => {
    const other = await stage.open();
    const lease = await holder.acquire(0);
    assert.deepEqual(await holder.extend({ ...lease }), { kind: "taken" });
    await holder.release({ ...lease });
    assert.deepEqual(await other.extend(lease), { kind: "taken" });
    await other.release(lease);
    assert.equal(await other.claim(0), "taken");
    asHeld(await holder.extend(lease));
  }),
];
