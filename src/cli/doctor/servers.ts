// What the servers say of themselves, as checks.

import { type CheckUp, type ClusterReport, checkUp, type ServerReport } from "../../redis/check-up.ts";
import type { RedisInput } from "../../redis/connection.ts";
import { type Requirement, requirements, type ServerFacts } from "../../redis/requirements.ts";
import { tell } from "../failure.ts";
import { bad, type Check, ok } from "./check.ts";

const TIMEOUT_MS = 5_000;
/** Timers and look-back go by Redis's clock; a machine that is off by more will be read wrongly by people. */
const MOST_AHEAD_MS = 1_000;
const SLOTS = 16_384;

/** The first check is whether it can be reached; if not, it is the only one. */
export async function checkServers(redis: RedisInput, now: () => number): Promise<readonly Check[]> {
  let report: CheckUp;
  try {
    report = await checkUp({ redis, timeoutMs: TIMEOUT_MS, now });
  } catch (thrown) {
    const { code, message, advice } = tell(thrown);
    return [bad("fail", "reachable", null, `${code}: ${message}`, advice)];
  }
  const { servers, cluster } = report;
  return [
    ...servers.map(({ server }) => ok("reachable", server, "it answers")),
    ...(cluster === null ? [] : checksOfCluster(cluster)),
    ...servers.flatMap(checksOf),
    ...apart(servers),
  ];
}

function checksOf({ server, facts, fsync, findings, aheadMs }: ServerReport): readonly Check[] {
  const judged = requirements.map((about) => {
    const found = foundOf(about, facts);
    const finding = findings.find((one) => one.about === about);
    if (finding === undefined) return ok(about, server, found);
    return bad(finding.level === "refuse" ? "fail" : "warn", about, server, found, finding.sentence);
  });
  const told = `${Math.abs(aheadMs)} ms ${aheadMs < 0 ? "behind" : "ahead of"} this machine`;
  const clock =
    Math.abs(aheadMs) <= MOST_AHEAD_MS
      ? ok("clock", server, told)
      : bad("warn", "clock", server, told, "set both by NTP: all times that Pachyderm tells are Redis's");
  return [...judged, ok("appendfsync", server, fsync ?? "not told"), clock];
}

function foundOf(about: Requirement, facts: ServerFacts): string {
  const { version, isValkey, role, maxmemoryPolicy, aofEnabled, streamNodeMaxBytes } = facts;
  const value = {
    version: version === undefined ? undefined : `${isValkey ? "Valkey" : "Redis"} ${version}`,
    role,
    "maxmemory-policy": maxmemoryPolicy,
    appendonly: aofEnabled === undefined ? undefined : aofEnabled ? "yes" : "no",
    "stream-node-max-bytes": streamNodeMaxBytes,
  }[about];
  return value === undefined ? "not told" : String(value);
}

function checksOfCluster({ state, slots, replicas }: ClusterReport): readonly Check[] {
  const found = `state ${state}, ${slots} of ${SLOTS} slots`;
  const whole =
    state === "ok" && slots === SLOTS
      ? ok("cluster", null, found)
      : bad("fail", "cluster", null, found, "give every slot a master that runs: redis-cli --cluster check");
  const spare =
    replicas > 0
      ? ok("replicas", null, `${replicas}`)
      : bad(
          "warn",
          "replicas",
          null,
          "0",
          "while a master is away, its partitions are: give each master a replica",
        );
  return [whole, spare];
}

/** Masters of one cluster: the time of a partition is that of its master, and partitions move. */
function apart(servers: readonly ServerReport[]): readonly Check[] {
  if (servers.length < 2) return [];
  const ahead = servers.map(({ aheadMs }) => aheadMs);
  const ms = Math.max(...ahead) - Math.min(...ahead);
  const found = `${ms} ms between the masters`;
  return [
    ms <= MOST_AHEAD_MS
      ? ok("clocks", null, found)
      : bad("warn", "clocks", null, found, "set the masters' clocks by NTP: timers go by them"),
  ];
}
