// Redis on one core, this program on another. Left to the scheduler, both land on one core or on two by chance, and
// a round trip costs 0.04 or 0.10 ms by that chance alone: more than most of what is measured here.

import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

let pinned = false;

/** Pins the main thread (not the collector's threads) to the second core. False where the system cannot. */
export function pinCores(): boolean {
  if (availableParallelism() < 2) return false;
  pinned = spawnSync("taskset", ["-cp", "1", String(process.pid)]).status === 0;
  return pinned;
}

/** What the command of a third process begins with: it goes where there is room, not where its parent is. */
export function onAnyCore(): readonly string[] {
  return pinned ? ["taskset", "-c", `0-${availableParallelism() - 1}`] : [];
}

/**
 * What the command of a second node begins with, that is compared with a node alone: both share the core that one has, and
 * Redis keeps its own. On any core it would land on Redis's or on its fellow's by chance, and stay there.
 */
export function onNodeCore(): readonly string[] {
  return pinned ? ["taskset", "-c", "1"] : [];
}

/** What a server's command begins with. */
export function onServerCore(): readonly string[] {
  return pinned ? ["taskset", "-c", "0"] : [];
}
