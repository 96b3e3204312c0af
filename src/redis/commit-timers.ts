// The typed side of commit-timers.lua: what a commit does to timers, as a mark of a plain commit, or as extras.

import type { Commit, TimerStep } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import type { ScriptArgument } from "./script-command.ts";
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

/** Whether a commit has to do with timers; one that destroys takes away what there are. */
export function hasTimers({ firings = NONE, timers = NONE, destroy }: Commit): boolean {
  return firings.length > 0 || timers.length > 0 || destroy === true;
}

/** Whether all that a commit does to timers is to set one, or to cancel one. */
export function isMarked({ firings = NONE, timers = NONE, destroy }: Commit): boolean {
  return timers.length === 1 && firings.length === 0 && destroy !== true;
}

const MARKS = { set: "s", cancel: "c", nothing: "-" } as const;

/** The mark of a plain commit, whose key and arguments are put behind its own. */
export function pushMarked(
  space: KeySpace,
  { key, type, timers }: Commit,
  keys: string[],
  args: ScriptArgument[],
): string {
  const step = firstOf(timers);
  if (step === undefined) return MARKS.nothing;
  keys.push(space.timers(key));
  const member = `${key.id} ${step.name}`;
  if (step.set === null) {
    args.push(member);
    return MARKS.cancel;
  }
  args.push(member, `${step.set.dueAt}`, formatTimer(step.set, type));
  return MARKS.set;
}

function firstOf(steps: readonly TimerStep[] = NONE): TimerStep | undefined {
  return steps[0];
}

/** Firings first, in the order of the commit's steps: the script counts them. */
export function timerExtras(space: KeySpace, commit: Commit) {
  const { key, type, firings = NONE, timers = NONE, destroy } = commit;
  const own = space.timers(key);
  const extras = [{ key: space.due(key.partition), args: ["due", key.id] }];
  for (const { name, generation, dueAt, missed } of firings) {
    extras.push({ key: own, args: ["fire", name, markOf(generation, dueAt), `${missed}`] });
  }
  for (const { name, set } of timers) {
    const args = set === null ? ["cancel", name] : ["set", name, `${set.dueAt}`, formatTimer(set, type)];
    extras.push({ key: own, args });
  }
  if (destroy === true) extras.push({ key: own, args: ["clear"] });
  return extras;
}
