// Where two sets of airports differ, in sentences.

import { inspect, isDeepStrictEqual } from "node:util";
import type { AirportState } from "../../cluster/entities/airport.ts";

export type States = ReadonlyMap<string, AirportState>;

export function differences(actual: States, expected: States): readonly string[] {
  const codes = [...new Set([...expected.keys(), ...actual.keys()])].sort();
  return codes
    .filter((code) => !isDeepStrictEqual(actual.get(code), expected.get(code)))
    .map((code) => `${code} is ${show(actual.get(code))} and should be ${show(expected.get(code))}`);
}

function show(state: AirportState | undefined): string {
  return inspect(state, { breakLength: Number.POSITIVE_INFINITY });
}
