// The laws of each port that Redis is behind, on networks that are removed afterwards. A new port has its line in `suites`.
// (Not of durability: how many replicas there are, and whether they keep up, is for whoever runs them.)

import { newId } from "../../core/reference.ts";
import { type Judged, judge, type Law, type Verdict } from "../../laws/backend.ts";
import { cursorsLaws } from "../../laws/cursors.ts";
import { eventStoreLaws } from "../../laws/event-store.ts";
import { jobsLaws } from "../../laws/jobs.ts";
import { leasesLaws } from "../../laws/leases.ts";
import type { LogBackend } from "../../laws/log/law.ts";
import { logReaderLaws } from "../../laws/log-reader.ts";
import { membershipLaws } from "../../laws/membership.ts";
import { timersLaws } from "../../laws/timers.ts";
import { viewsLaws } from "../../laws/views.ts";
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
  const log = logBackend(name, scratch, clock);
  const views = `law-${newId().slice(-12)}`; // of its own: what is spoilt there is nobody else's
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
    suite("log", logReaderLaws, {
      ...log,
      cannot: {
        "a frozen server: `unavailable` at the deadline; when it thaws, all is well": leftAlone,
        "a restart of the server heals by itself, and is told": leftAlone,
      },
    }),
    suite("cursors", cursorsLaws, log),
    suite("views", viewsLaws, {
      name,
      clock,
      partitions,
      cannot: {},
      open: () => scratch.openNetwork(views),
      spoil: (partition, view, part) => scratch.mishapsOf(views).spoilView(partition, view, part),
    }),
    suite("jobs", jobsLaws, {
      name,
      clock,
      cannot: {},
      open: (network) => scratch.openNetwork(network, true),
    }),
  ];
}

function logBackend(name: string, scratch: Scratch, clock: Clock): LogBackend {
  return {
    name,
    clock,
    partitions: scratch.partitions,
    cannot: {},
    async open(network) {
      const { store, log } = await scratch.openNetwork(network);
      if (log === null) throw new Error("a scratch network keeps a log");
      return { store, ...log };
    },
    rollBackLog: (network, partition, entry) => scratch.mishapsOf(network).rollBackLog(partition, entry),
    plant: (network, partition, call, lines) => scratch.mishapsOf(network).plantEntry(partition, call, lines),
    trimRecords: (network, key, keepFrom) => scratch.mishapsOf(network).trim(key, keepFrom),
    spoil: (network, partition, part) => scratch.mishapsOf(network).spoilLog(partition, part),
  };
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
