// docs/errors.md and the table in core/errors.ts say the same, both ways.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { errorTable } from "../../src/core/errors.ts";
import { root } from "./source.ts";

interface Row {
  readonly outcome: string;
  readonly retryable: string;
  readonly meaning: string;
}

const inCode: Record<string, Row> = Object.fromEntries(
  Object.entries(errorTable).map(([code, { outcome, retryable, meaning }]) => [
    code,
    {
      outcome: outcome === "either" ? "either" : "not-committed",
      retryable: retryable ? "yes" : "no",
      meaning,
    },
  ]),
);

/** The rows of the table, in order; each has something to do. */
function rowsOf(markdown: string): [code: string, row: Row][] {
  const row = /^\| `([A-Z_]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]*[^|\s][^|]* \|$/gm;
  return [...markdown.matchAll(row)].map(([, code = "", outcome = "", retryable = "", meaning = ""]) => [
    code,
    { outcome, retryable, meaning },
  ]);
}

const markdown = readFileSync(join(root, "docs/errors.md"), "utf8");

test("every code is documented as it is, in the order of the code, and no other is", () => {
  const rows = rowsOf(markdown);
  expect(Object.fromEntries(rows)).toEqual(inCode);
  expect(rows.map(([code]) => code)).toEqual(Object.keys(inCode));
});

test("a row that is missing, is left over, says another thing or gives no advice is seen", () => {
  const row = markdown.split("\n").find((line) => line.startsWith("| `CONFLICT`")) ?? "";
  const changed = [
    markdown.replace(row, ""),
    markdown.replace(row, `${row}\n${row.replace("CONFLICT", "CONFLICTS")}`),
    markdown.replace(row, row.replace("| yes |", "| no |")),
    markdown.replace(row, row.replace("either", "not-committed")),
    markdown.replace(row, row.replace("came first", "won")),
    markdown.replace(row, row.replace(/[^|]+\|$/, " |")),
  ];
  expect(row).not.toBe("");
  for (const text of changed) expect(Object.fromEntries(rowsOf(text))).not.toEqual(inCode);
});
