// What the demo shows as tables: the ten busiest airports, and what each node did.

import Table from "cli-table3";
import pc from "picocolors";
import type { AirportState } from "../../cluster/entities/airport.ts";
import type { Share } from "./nodes.ts";

const style = { head: [], border: pc.isColorSupported ? ["gray"] : [] };
const chars = { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" };

export function busiest(states: ReadonlyMap<string, AirportState>): string {
  const table = new Table({
    head: ["airport", "departures", "arrivals", "mean delay", "longest", "> 2 h late", "miles"],
    colAligns: ["left", "right", "right", "right", "right", "right", "right"],
    style,
    chars,
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

export function sharesOf(shares: readonly Share[]): string {
  const table = new Table({
    head: ["node", "answered over HTTP", "handled", "of them for others"],
    colAligns: ["left", "right", "right", "right"],
    style,
    chars,
  });
  for (const { name, ...counts } of shares) {
    const { requests, handled, forwarded } = counts;
    table.push([pc.bold(name), ...[requests, handled, forwarded].map((count) => count.toLocaleString("en"))]);
  }
  return table.toString();
}
