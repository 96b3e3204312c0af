// What every airport must come to: a plain loop over the file, which shares no code with the entity.

import type { AirportState } from "../../cluster/entities/airport.ts";
import type { Flight } from "./flights.ts";

export interface Expected {
  readonly states: ReadonlyMap<string, AirportState>;
  /** Effects: departures more than two hours late, all airports together. */
  readonly announcements: number;
}

export function expect(flights: readonly Flight[]): Expected {
  const states = new Map<string, { -readonly [part in keyof AirportState]: AirportState[part] }>();
  const at = (code: string) => {
    const known = states.get(code);
    if (known !== undefined) return known;
    const state = {
      departures: 0,
      arrivals: 0,
      delay: 0,
      distance: 0,
      longestDelay: 0,
      veryLate: 0,
      lastAt: "",
    };
    states.set(code, state);
    return state;
  };
  let announcements = 0;
  for (const { date, delay, distance, origin, destination } of flights) {
    const from = at(origin);
    const to = at(destination);
    from.departures++;
    to.arrivals++;
    if (delay > 120) {
      from.veryLate++;
      announcements++;
    }
    for (const airport of [from, to]) {
      airport.delay += delay;
      airport.distance += distance;
      if (delay > airport.longestDelay) airport.longestDelay = delay;
      airport.lastAt = date;
    }
  }
  return { states, announcements };
}
