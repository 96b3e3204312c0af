// One winner, and for how long.

import assert from "node:assert/strict";
import type { Lease } from "../../ports/leases.ts";
import { asHeld, LONG_MS, law, SHORT_MS } from "./law.ts";

export const claimingLaws = [
  law(
    "of many who claim at once no two get it, and whoever comes later finds it taken",
    async (first, stage) => {
      const holders = [first, await stage.open(), await stage.open(), await stage.open()];
      for (let partition = 0; partition < 4; partition++) {
        const kinds = await Promise.all(holders.map((holder) => holder.claim(partition)));
        const winners = kinds.filter((kind) => kind === "held").length;
        assert.ok(winners <= 1, `${winners} winners`);
        // Of several servers each may have gone to another claimer: then none won, and the next one does.
        if (winners === 0) await first.untilAcquired(partition);
        for (const holder of holders) assert.equal(await holder.claim(partition), "taken");
      }
    },
  ),

  law("whoever has it cannot claim it a second time", async (holder) => {
    await holder.acquire(0);
    assert.equal(await holder.claim(0), "taken");
  }),

  law("partitions are claimed each by itself, all at once too", async (holder, stage) => {
    const other = await stage.open();
    const { partitions } = stage.backend;
    const mine = Array.from({ length: partitions - 1 }, (_, partition) => partition);
    const leases = await Promise.all(mine.map((partition) => holder.acquire(partition)));
    assert.deepEqual(
      leases.map(({ partition }) => partition),
      mine,
    );
    assert.equal((await other.acquire(partitions - 1)).partition, partitions - 1);
  }),

  law(
    "`until` is nearly the full time from now, and never later than the server's own end of it",
    async (holder, stage) => {
      const { clock } = stage.backend;
      const check = async (before: number, { until: end }: Lease): Promise<void> => {
        const remaining = await stage.remaining(2);
        const after = clock.monotonicMs();
        assert.ok(end >= before + LONG_MS * 0.98, `${end - before} ms of ${LONG_MS}`);
        assert.ok(end <= before + LONG_MS + (after - before));
        assert.ok(end <= after + remaining, `ends ${end - after - remaining} ms after the server's`);
      };
      const before = clock.monotonicMs();
      const lease = await holder.acquire(2);
      await check(before, lease);
      const again = clock.monotonicMs();
      await check(again, asHeld(await holder.extend(lease)));
    },
  ),

  law(
    "nobody else gets it before `until`, and then somebody does",
    async (holder, stage) => {
      const other = await stage.open();
      const { until: end } = await holder.acquire(0);
      await other.untilAcquired(0);
      assert.ok(stage.backend.clock.monotonicMs() >= end, "granted to another before its end");
    },
    SHORT_MS,
  ),

  law(
    "one that is extended lasts, through many times its own",
    async (holder, stage) => {
      const other = await stage.open(SHORT_MS);
      let lease = await holder.acquire(0);
      for (let rounds = 0; rounds < 3; rounds++) {
        const { until: end } = await other.acquire(1);
        // While the other's claim runs out, ours is extended.
        let ended = false;
        const waits = other.untilAcquired(1).then((next) => {
          ended = true;
          return next;
        });
        while (!ended) {
          const longer = asHeld(await holder.extend(lease));
          assert.ok(longer.until >= lease.until);
          assert.equal(longer.partition, 0);
          lease = longer;
          assert.equal(await other.claim(0), "taken");
        }
        const next = await waits;
        assert.ok(next.until > end);
        await other.release(next);
      }
    },
    SHORT_MS,
  ),
];
