// The laws of ports/durability.ts.

import assert from "node:assert/strict";
import type { Clock } from "../ports/clock.ts";
import type { Durability, Wanted } from "../ports/durability.ts";
import type { Judged, Law } from "./backend.ts";

export interface DurabilityBackend extends Judged {
  readonly clock: Clock;
  readonly partitions: number;
  open(): Promise<Durability>;
  /** Replicas of each master that are connected and keep up. */
  readonly replicas: number;
  /** Stops the replicas from taking anything; what is returned lets them go on. */
  freezeReplicas?(): Promise<() => void>;
}

const replicas = (count: number): Wanted => ({ kind: "replicas", count });

function law(
  name: string,
  run: (durability: Durability, backend: DurabilityBackend) => Promise<void>,
): Law<DurabilityBackend> {
  return {
    name,
    async check({ backend }) {
      const durability = await backend.open();
      try {
        await run(durability, backend);
      } finally {
        await durability.close();
      }
    },
  };
}

export const durabilityLaws: readonly Law<DurabilityBackend>[] = [
  law(
    "what cannot be asked for is refused in a sentence, and told as not reached",
    async (durability, { clock }) => {
      const wanted: Wanted = { kind: "fsync" };
      const refusal = durability.refusal(wanted);
      if (refusal === null) return;
      assert.ok(refusal.length > 20, refusal);
      const confirmed = await durability.confirm(0, wanted, clock.monotonicMs() + 2_000);
      assert.ok(confirmed.kind === "unavailable" || !confirmed.reached, JSON.stringify(confirmed));
    },
  ),

  law(
    "replicas that keep up are told, in each partition",
    async (durability, { clock, partitions, replicas: there }) => {
      for (let partition = 0; partition < partitions; partition += Math.ceil(partitions / 5)) {
        const confirmed = await durability.confirm(partition, replicas(there), clock.monotonicMs() + 10_000);
        assert.deepEqual(confirmed, { kind: "confirmed", local: 0, replicas: there, reached: true });
      }
    },
  ),

  law("more than there are is not reached, at the deadline and not later", async (durability, backend) => {
    const { clock, replicas: there } = backend;
    const from = clock.monotonicMs();
    const confirmed = await durability.confirm(0, replicas(there + 1), from + 300);
    assert.ok(confirmed.kind === "confirmed" && !confirmed.reached, JSON.stringify(confirmed));
    const took = clock.monotonicMs() - from;
    assert.ok(took >= 290 && took < 8_000, `${took} ms`);
  }),

  law(
    "replicas that are frozen: not reached in time, and reached when they go on",
    async (durability, backend) => {
      const { clock, replicas: there, freezeReplicas } = backend;
      assert.ok(freezeReplicas !== undefined);
      const thaw = await freezeReplicas();
      const ask = (ms: number) => durability.confirm(0, replicas(there), clock.monotonicMs() + ms);
      try {
        const waiting = ask(10_000);
        const [first, second] = await Promise.all([ask(200), ask(300)]);
        for (const one of [first, second])
          assert.ok(one.kind === "confirmed" && !one.reached, JSON.stringify(one));
        const again = await ask(200);
        assert.ok(
          again.kind === "confirmed" && !again.reached,
          "asked again nothing was written, and it is still not there",
        );
        thaw();
        assert.ok((await waiting).kind === "confirmed");
      } finally {
        thaw();
      }
      assert.deepEqual(await ask(10_000), { kind: "confirmed", local: 0, replicas: there, reached: true });
    },
  ),

  law(
    "a thousand that ask at once are all answered",
    async (durability, { clock, partitions, replicas: there }) => {
      const deadline = clock.monotonicMs() + 10_000;
      const asked = Array.from({ length: 1_000 }, (_, i) =>
        durability.confirm(i % partitions, replicas(there), deadline),
      );
      for (const one of await Promise.all(asked))
        assert.ok(one.kind === "confirmed" && one.reached, JSON.stringify(one));
    },
  ),

  law("closed, it answers what is under way, and what comes after", async (durability, backend) => {
    const { clock, replicas: there } = backend;
    const waiting = durability.confirm(0, replicas(there + 1), clock.monotonicMs() + 10_000);
    await durability.close();
    const confirmed = await waiting;
    assert.ok(confirmed.kind === "unavailable" || !confirmed.reached);
    const after = await durability.confirm(0, replicas(there), clock.monotonicMs() + 10_000);
    assert.ok(after.kind === "unavailable" || !after.reached);
  }),
];
