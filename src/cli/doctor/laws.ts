// The laws of each port that Redis is behind, on networks that are removed afterwards. A new port has its line in `suites`.

import { type Judged, judge, type Law, type Verdict } from "../../laws/backend.ts";
import { eventStoreLaws } from "../../laws/event-store.ts";
import { leasesLaws } from "../../laws/leases.ts";
import { membershipLaws } from "../../laws/membership.ts";
import { timersLaws } from "../../laws/timers.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Scratch } from "../../redis/scratch.ts";

export interface Suite {
  readonly name: string;
  readonly laws: readonly string[];
  /** Laws that it says not to keep, by name. */
  readonly cannot: readonly string[];
  judge(law: string): Promise<Verdict>;
}

const leftAlone = "the doctor does nothing to a server that others use";

export function suites(scratch: Scratch, clock: Clock): readonly Suite[] {
  const name = scratch.isCluster ? "redis-cluster" : "redis";
  const { partitions, mishaps } = scratch;
  return [
    suite("event store", eventStoreLaws, {
      name,
      clock,
      partitions,
      cannot: {},
      open: () => scratch.openStore(),
      trim: (key, keepFrom) => mishaps.trim(key, keepFrom),
      rollBack: (key, version) => mishaps.rollBack(key, version),
      keysOf: (commit) => mishaps.keysOf(commit),
      spoil: (key, part) => mishaps.spoil(key, part),
    }),
    suite("timers", timersLaws, {
      name,
      clock,
      partitions,
      cannot: {},
      open: () => scratch.openTimers(),
      spoil: (key, timer, text) => mishaps.spoilTimer(key, timer, text),
    }),
    suite("membership", membershipLaws, {
      name,
      clock,
      cannot: {
        "a frozen server: `unavailable` at the deadline; when it thaws, all is well": leftAlone,
        "a restart of the server heals by itself: announcing, and hints, which are told to be missed":
          leftAlone,
      },
      async open(network) {
        const { membership, leases } = await scratch.openRegistry(network, 1_000);
        await leases.close();
        return membership;
      },
      plant: (network, id, text) => scratch.plant(network, id, text),
    }),
    suite("leases", leasesLaws, {
      name,
      clock,
      partitions,
      cannot: {
        "a frozen server: `unavailable` at the deadline; when it thaws, claims stand and more can be made":
          leftAlone,
        "a restart of the server heals by itself, and a claim that it remembers is extended": leftAlone,
      },
      async open(network, leaseMs) {
        const { membership, leases } = await scratch.openRegistry(network, leaseMs);
        await membership.close();
        return leases;
      },
      remaining: (network, partition) => scratch.remaining(network, partition),
      end: (network, partition) => scratch.end(network, partition),
    }),
  ];
}

function suite<B extends Judged>(name: string, laws: readonly Law<B>[], backend: B): Suite {
  const byName = new Map(laws.map((law) => [law.name, law]));
  return {
    name,
    laws: [...byName.keys()],
    cannot: Object.keys(backend.cannot),
    async judge(sentence) {
      const law = byName.get(sentence);
      return law === undefined
        ? { kind: "cannot", reason: "there is no such law" }
        : await judge(law, backend);
    },
  };
}
