// The entity of the timer tests: it sets timers as it is told, and writes down what they send it.

import { cancel, type Decision, type Duration, defineEntity, reject, schedule } from "../../src/index.ts";

interface Ring {
  readonly type: "ring";
  /** What it does when it rings, besides writing it down. */
  readonly does?: "reject" | "throw" | "nothing" | "again" | "cancel";
  readonly tag?: string;
}

export type AlarmMessage =
  | {
      readonly type: "set";
      readonly name: string;
      readonly after?: Duration;
      readonly at?: number;
      readonly every?: Duration;
      readonly ring?: Omit<Ring, "type">;
    }
  | { readonly type: "cancel"; readonly name: string }
  | { readonly type: "set-quietly"; readonly name: string; readonly after: Duration }
  | Ring;

export interface Rung {
  readonly name: string;
  readonly tag: string | null;
  readonly dueAt: number;
  readonly lateMs: number;
  readonly missed: number;
  readonly now: number;
}

type AlarmEvent =
  | { readonly type: "set"; readonly name: string }
  | { readonly type: "cancelled"; readonly name: string }
  | ({ readonly type: "rang" } & Rung);

export interface AlarmState {
  readonly rung: readonly Rung[];
  readonly set: number;
}

/** How often `handle` was asked to ring, whatever came of it. */
export const rings: { name: string; does: string | undefined }[] = [];

export const alarm = defineEntity({
  type: "alarm",
  init: (): AlarmState => ({ rung: [], set: 0 }),
  handle(message: AlarmMessage, { rung }, { now, timer }): Decision<AlarmEvent> {
    switch (message.type) {
      case "set": {
        const { type: _, ring = {}, ...when } = message;
        const effects = [schedule({ ...when, message: { type: "ring", ...ring } })];
        return { events: [{ type: "set", name: message.name }], effects };
      }
      case "set-quietly":
        return {
          effects: [schedule({ name: message.name, after: message.after, message: { type: "ring" } })],
        };
      case "cancel":
        return { events: [{ type: "cancelled", name: message.name }], effects: [cancel(message.name)] };
      case "ring": {
        if (timer === undefined) return reject("no-timer");
        const { name, dueAt, lateMs, missed } = timer;
        rings.push({ name, does: message.does });
        const event = { type: "rang" as const, name, tag: message.tag ?? null, dueAt, lateMs, missed, now };
        switch (message.does) {
          case "reject":
            return reject("not-now");
          case "throw":
            throw new Error("the bell broke");
          case "nothing":
            return [];
          case "cancel":
            return { events: [event], effects: [cancel(name)] };
          case "again": {
            // The same name, at the same due time: only the generation tells it from the one that rings.
            if (rung.length >= 2) return [event];
            return { events: [event], effects: [schedule({ name, at: dueAt, message })] };
          }
          default:
            return [event];
        }
      }
    }
  },
  update(event: AlarmEvent, state) {
    if (event.type === "set") return { ...state, set: state.set + 1 };
    if (event.type === "cancelled") return state;
    const { type: _, ...rung } = event;
    return { ...state, rung: [...state.rung, rung] };
  },
});
