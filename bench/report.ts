// Rows to a table that says at one glance what was reached and what was not.

import Table from "cli-table3";
import pc from "picocolors";
import type { Floor, Row } from "./contest.ts";
import type { Summary } from "./statistics.ts";

const HEAD = ["", "", "median", "min .. max", "ratio", "min .. max", "floor", ""];
const WIDTHS = [28, 31, 10, 22, 10, 22, 11, 3];
const PARTS = ["top", "bottom", "left", "right", "mid"] as const;
const JOINTS = ["top", "bottom", "left", "right"].flatMap((side) => [
  side,
  `${side}-mid`,
  `${side}-left`,
  `${side}-right`,
]);
const NO_RULES = Object.fromEntries([...PARTS, ...JOINTS, "mid-mid", "middle"].map((part) => [part, ""]));

export function report(rows: readonly Row[]): string {
  const contests = Map.groupBy(rows, (row) => row.contest);
  return [...contests].map(([title, own]) => `\n ${pc.bold(pc.cyan(title))}\n${table(own)}`).join("\n");
}

function table(rows: readonly Row[]): string {
  const out = new Table({
    head: HEAD,
    chars: NO_RULES,
    colWidths: WIDTHS,
    style: { head: ["dim"], border: [] },
    colAligns: ["left", "left", "right", "right", "right", "right", "right", "left"],
  });
  for (const row of rows) {
    out.push([
      row.contestant,
      row.figure,
      number(row.value.median),
      pc.dim(range(row.value, number)),
      row.ratio ? pc.bold(times(row.ratio.median)) : "",
      row.ratio ? pc.dim(range(row.ratio, times)) : "",
      row.floor ? floorText(row.floor) : "",
      row.reached === undefined ? "" : row.reached ? pc.green("✓") : pc.red("✗"),
    ]);
  }
  return out.toString();
}

export function verdict(rows: readonly Row[]): string {
  const judged = rows.filter((row) => row.reached !== undefined);
  if (judged.length === 0) return pc.yellow("No floor was measured.");
  const missed = judged.filter((row) => row.reached === false);
  if (missed.length === 0) return pc.green(`All ${judged.length} floors reached.`);
  return pc.red(`${missed.length} of ${judged.length} floors missed.`);
}

function floorText({ of, atLeast, atMost }: Floor): string {
  const unit = of === "ratio" ? times : number;
  return atLeast === undefined ? `≤ ${unit(atMost ?? Number.NaN)}` : `≥ ${unit(atLeast)}`;
}

function range({ min, max }: Summary, text: (value: number) => string): string {
  return min === max ? "" : `${text(min)} .. ${text(max)}`;
}

function number(value: number): string {
  const digits = value >= 100 ? 0 : value >= 1 ? 2 : 4;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function times(value: number): string {
  return `${value.toFixed(2)} ×`;
}
