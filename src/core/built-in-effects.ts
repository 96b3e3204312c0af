// Effects that the system itself carries out, with the commit or (a tell) after it. Their names begin with `$`, as no program's own can.

import type { Json } from "./json.ts";
import { readTell, TELL } from "./tell.ts";
import { CANCEL, readCancel, readSchedule, SCHEDULE } from "./timer.ts";

type ReadPayload = (payload: unknown, maxBytes: number) => Json;

/** By name: from whatever a handler gave as payload to a sound one. Each throws JsonProblem. */
const builtIn: Readonly<Record<string, ReadPayload>> = {
  [SCHEDULE]: readSchedule,
  [CANCEL]: readCancel,
  [TELL]: readTell,
};

export function isBuiltIn(effect: string): boolean {
  return effect.startsWith("$");
}

/** Undefined: there is no such effect. @throws JsonProblem */
export function readBuiltIn(effect: string, payload: unknown, maxBytes: number): Json | undefined {
  return Object.hasOwn(builtIn, effect) ? builtIn[effect]?.(payload, maxBytes) : undefined;
}
