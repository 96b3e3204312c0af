// Which rows a program asks a view for, checked: names too, for a misspelt one would be a promise not kept.

import { PachydermError } from "../core/errors.ts";
import type { ViewTable } from "../core/view.ts";
import { isIn, isIndexValue, partsOfMember, type Span, sameKind, spanOf } from "../core/view-order.ts";
import { checkNames, invalidOption, isWhole } from "./read-only.ts";

/** What an index can be asked for. */
export type IndexedValue = number | string | boolean;

/** Which rows to find. `F`: the indexes. */
export interface FindOptions<F extends string = string> {
  /** The index, by which the rows are in order: booleans, then numbers, then texts, code point by code point. */
  readonly by: F;
  /** From this value on, inclusive. Default: the first one of its kind. One value alone is `from` and `to`. */
  readonly from?: IndexedValue;
  /** Up to this value, inclusive; of the kind of `from`. Default: the last one of its kind. */
  readonly to?: IndexedValue;
  /** Default `"ascending"`. Rows of one value are in the order of their ids. */
  readonly order?: "ascending" | "descending";
  /** At most so many, 1 to 1,000. Default 100. */
  readonly limit?: number;
  /** What the last page gave as `next`. Default: from the beginning. */
  readonly after?: string;
}

/** Which rows to count. */
export type CountOptions<F extends string = string> = Pick<FindOptions<F>, "by" | "from" | "to">;

/** @throws PachydermError INVALID_OPTIONS, INVALID_CURSOR */
export function readFindOptions(options: unknown, table: ViewTable) {
  const given = checkNames<FindOptions>(options, ["by", "from", "to", "order", "limit", "after"]);
  const { order = "ascending", limit = 100, after } = given;
  if (order !== "ascending" && order !== "descending")
    throw invalidOption("order is ascending or descending");
  if (!isWhole(limit, 1, 1_000)) throw invalidOption("limit is a whole number from 1 to 1,000");
  const { by, span } = readRange(given, table);
  return { by, span, limit, descending: order === "descending", after: readAfter(after, span) };
}

/** @throws PachydermError INVALID_OPTIONS */
export function readCountOptions(options: unknown, table: ViewTable) {
  return readRange(checkNames<CountOptions>(options, ["by", "from", "to"]), table);
}

function readRange({ by, from, to }: CountOptions, { name, fields }: ViewTable) {
  if (!fields.includes(by)) {
    const known = fields.join(", ") || "none";
    throw invalidOption(`by is an index of the view ${name} (there are: ${known})`);
  }
  for (const [what, value] of Object.entries({ from, to })) {
    if (value !== undefined && !isIndexValue(value))
      throw invalidOption(`${what} is a number, a boolean or a text of at most 1,000 characters`);
  }
  if (from !== undefined && to !== undefined && !sameKind(from, to))
    throw invalidOption("from and to are of one kind");
  return { by, span: spanOf(from, to) };
}

function readAfter(after: unknown, span: Span): string | null {
  if (after === undefined) return null;
  const member = typeof after === "string" ? Buffer.from(after, "base64url").toString() : "";
  const isPlace = partsOfMember(member) !== undefined && isIn(span, member);
  if (!isPlace) throw new PachydermError("INVALID_CURSOR", "after is what the page before gave as next");
  return member;
}
