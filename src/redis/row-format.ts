// A row as it is stored: "1 <length> ...\n<values><json>". The lengths are those of its index values in UTF-8, in the
// order of the schema's indexes, "-" where it is in none: so a script finds what to take away, and never parses JSON.

import type { RowStep } from "../ports/event-store.ts";

/** "" where there is no row. */
export function formatRow({ row, values }: Pick<RowStep, "row" | "values">): string {
  if (row === null) return "";
  let lengths = "1";
  let keys = "";
  for (const value of values) {
    lengths += value === null ? " -" : ` ${Buffer.byteLength(value)}`;
    keys += value ?? "";
  }
  return `${lengths}\n${keys}${row}`;
}

/** Its index values, in the order of the schema's indexes; null: it is in none. @param text the row, or its beginning up to its JSON */
export function valuesOf(text: string): readonly (string | null)[] {
  const [head = "", lengths = ""] = /^1((?: (?:\d+|-))*)\n/.exec(text) ?? [];
  const bytes = Buffer.from(text);
  let at = Buffer.byteLength(head);
  return lengths
    .split(" ")
    .slice(1)
    .map((length) => {
      if (length === "-") return null;
      const from = at;
      at += Number(length);
      return bytes.subarray(from, at).toString();
    });
}

/** The JSON text; undefined if this is no row of ours. */
export function parseRow(text: string): string | undefined {
  const [head, lengths] = /^1((?: (?:\d+|-))*)\n/.exec(text) ?? [];
  if (head === undefined || lengths === undefined) return undefined;
  let bytes = 0;
  for (const length of lengths.split(" ")) bytes += length === "" || length === "-" ? 0 : Number(length);
  if (bytes === 0) return text.slice(head.length);
  return Buffer.from(text)
    .subarray(Buffer.byteLength(head) + bytes)
    .toString();
}
