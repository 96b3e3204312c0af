// An airport: counts what leaves and what lands, in the order of their dates.

import { defineEntity, idFrom, reject } from "pachyderm";
import { announceLateDeparture } from "../effects/late-departure.ts";

/** Minutes from which on a departure is announced. */
const VERY_LATE = 120;

interface Flight {
  /** The airport's own code. */
  readonly airport: string;
  /** Local date and time of the departure, `2001/01/31 23:59`: such texts sort by time. */
  readonly at: string;
  /** Minutes; below 0 is early. */
  readonly delay: number;
  /** Miles. */
  readonly distance: number;
}

export type FlightMessage = Flight & { readonly type: "depart" | "land" };
type FlightEvent = Flight & { readonly type: "departed" | "landed" };

export interface AirportState {
  readonly departures: number;
  readonly arrivals: number;
  /** Of all flights together, in minutes and miles. */
  readonly delay: number;
  readonly distance: number;
  readonly longestDelay: number;
  /** Departures that were more than two hours late. */
  readonly veryLate: number;
  readonly lastAt: string;
}

export const airport = defineEntity({
  type: "airport",
  init: (): AirportState => ({
    departures: 0,
    arrivals: 0,
    delay: 0,
    distance: 0,
    longestDelay: 0,
    veryLate: 0,
    lastAt: "",
  }),
  handle(message: FlightMessage, state) {
    // What comes over HTTP was never seen by a compiler.
    if (!isFlight(message)) return reject("not-a-flight");
    const { type, airport: code, at, delay, distance } = message;
    if (at < state.lastAt) return reject("out-of-order", { at, lastAt: state.lastAt });
    const flight = { airport: code, at, delay, distance };
    if (type === "land") return [{ type: "landed" as const, ...flight }];
    const events = [{ type: "departed" as const, ...flight }];
    return isVeryLate(delay)
      ? { events, effects: [announceLateDeparture({ airport: code, at, delay })] }
      : events;
  },
  update({ type, at, delay, distance }: FlightEvent, state): AirportState {
    const departed = type === "departed";
    return {
      departures: state.departures + (departed ? 1 : 0),
      arrivals: state.arrivals + (departed ? 0 : 1),
      delay: state.delay + delay,
      distance: state.distance + distance,
      longestDelay: Math.max(state.longestDelay, delay),
      veryLate: state.veryLate + (departed && isVeryLate(delay) ? 1 : 0),
      lastAt: at,
    };
  },
});

function isFlight({ type, airport: code, at, delay, distance }: FlightMessage): boolean {
  return (
    (type === "depart" || type === "land") &&
    typeof code === "string" &&
    typeof at === "string" &&
    Number.isFinite(delay) &&
    Number.isFinite(distance)
  );
}

function isVeryLate(delay: number): boolean {
  return delay > VERY_LATE;
}

/** The airport of a code, such as `"LAX"`: the same id wherever it is made. */
export function airportOf(code: string): ReturnType<typeof airport.ref> {
  return airport.ref(idFrom("airport", code));
}
