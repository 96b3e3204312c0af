// 20,000 flights within the USA, January to March 2001, from the npm package vega-datasets.

import { readFile } from "node:fs/promises";
import type { FlightMessage } from "../../cluster/entities/airport.ts";

export interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** All flights, in the order of their dates. */
export async function readFlights(): Promise<readonly Flight[]> {
  const file = new URL("../data/flights-20k.json", import.meta.resolve("vega-datasets"));
  const flights = JSON.parse(await readFile(file, "utf8")) as Flight[];
  return flights.sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
}

/** The codes of all airports that have a flight. */
export function codesOf(flights: readonly Flight[]): readonly string[] {
  return [...new Set(flights.flatMap(({ origin, destination }) => [origin, destination]))].sort();
}

/** What the flights say to the airports: two messages each. */
export function* messagesOf(flights: readonly Flight[]): Generator<FlightMessage> {
  for (const { date: at, delay, distance, origin, destination } of flights) {
    yield { type: "depart", airport: origin, at, delay, distance };
    yield { type: "land", airport: destination, at, delay, distance };
  }
}
