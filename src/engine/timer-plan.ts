// What one turn does to its entity's timers, read off its effects. Between turn.ts and batch.ts.

import type { SoundEffect } from "../core/decision.ts";
import type { Json } from "../core/json.ts";
import { CANCEL, type Firing, SCHEDULE, type TimerContext } from "../core/timer.ts";
import type { NewTimer } from "../ports/event-store.ts";

/** Of the timer of one name; set: it still lacks the generation, which the commit has. */
export interface TimerPlan {
  readonly name: string;
  readonly set: Omit<NewTimer, "generation"> | null;
}

const NONE: readonly TimerPlan[] = [];

/** @param now what `handle` was told: `after` counts from there */
export function planTimers(effects: readonly SoundEffect[], now: number): readonly TimerPlan[] {
  if (effects.length === 0) return NONE;
  const plans: TimerPlan[] = [];
  for (const { effect, payload } of effects) {
    const parts = payload as { readonly [part: string]: Json };
    if (effect === SCHEDULE) plans.push(planOf(parts, now));
    else if (effect === CANCEL) plans.push({ name: String(parts["name"]), set: null });
  }
  return plans;
}

/** The payload was read by core/timer.ts: its parts are what a ScheduledTimer says. */
function planOf(parts: { readonly [part: string]: Json }, now: number): TimerPlan {
  const { name, after, at, every, message } = parts;
  const dueAt = at === null ? now + Number(after) : Number(at);
  const everyMs = every === null ? null : Number(every);
  return { name: String(name), set: { dueAt, everyMs, message: JSON.stringify(message) } };
}

/**
 * A timer's message is handled at the time that it was read at, at least: this node's idea of the store's time may be a
 * little behind, and a handler that asks whether its time has come must not be told no.
 */
export function timeOf(firing: Firing | null, now: number): number {
  return firing === null ? now : Math.max(now, firing.dueAt + firing.lateMs);
}

export function timerContext({ name, dueAt, missed }: Firing, now: number): TimerContext {
  return { name, dueAt, lateMs: now - dueAt, missed };
}
