// The typed side of commit-timers.lua: what a commit does to timers, as extras of the commit script.

import type { Commit } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import { formatTimer, markOf } from "./timer-format.ts";

/** What each kind of extra says; a part of the header of commit.lua. */
export const timerExtraNames = {
  due: ["id"],
  fire: ["name", "mark", "missed"],
  set: ["name", "due", "text"],
  cancel: ["name"],
  clear: [],
} as const;

const NONE: readonly never[] = [];

/** How many extras {@link encodeTimers} adds. */
export function timerExtras({ firings = NONE, timers = NONE, destroy }: Commit): number {
  const steps = firings.length + timers.length + (destroy === true ? 1 : 0);
  return steps === 0 ? 0 : steps + 1;
}

export function encodeTimers(space: KeySpace, commit: Commit, keys: string[], args: string[]): void {
  if (timerExtras(commit) === 0) return;
  const { key, type, firings = NONE, timers = NONE } = commit;
  keys.push(space.due(key.partition));
  args.push("due", key.id);
  const own = space.timers(key);
  for (const { name, generation, dueAt, missed } of firings) {
    keys.push(own);
    args.push("fire", name, markOf(generation, dueAt), `${missed}`);
  }
  for (const { name, set } of timers) {
    keys.push(own);
    if (set === null) args.push("cancel", name);
    else args.push("set", name, `${set.dueAt}`, formatTimer(set, type));
  }
  if (commit.destroy !== true) return;
  keys.push(own);
  args.push("clear");
}
