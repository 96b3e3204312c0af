// The ten busiest airports as a table.

import Table from "cli-table3";
import pc from "picocolors";
import type { AirportState } from "../../cluster/entities/airport.ts";

export function busiest(states: ReadonlyMap<string, AirportState>): string {
  const table = new Table({
    head: ["airport", "departures", "arrivals", "mean delay", "longest", "> 2 h late", "miles"],
    colAligns: ["left", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: pc.isColorSupported ? ["gray"] : [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  const flights = ({ departures, arrivals }: AirportState) => departures + arrivals;
  const order = [...states].sort(([, a], [, b]) => flights(b) - flights(a)).slice(0, 10);
  for (const [code, state] of order) {
    table.push([
      pc.bold(code),
      state.departures,
      state.arrivals,
      `${(state.delay / flights(state)).toFixed(1)} min`,
      `${state.longestDelay} min`,
      state.veryLate,
      state.distance.toLocaleString("en"),
    ]);
  }
  return table.toString();
}
