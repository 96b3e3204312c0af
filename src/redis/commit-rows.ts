// The typed side of commit-rows.lua: what a commit does to rows of views, as extras of the commit script.

import { fieldsOf } from "../core/view.ts";
import type { Commit } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import { formatRow } from "./row-format.ts";

/** What each kind of extra says; a part of the header of commit.lua. */
export const rowExtraNames = {
  views: [],
  row: ["table", "schema", "id", "mode", "text"],
  index: ["value"],
} as const;

export function rowExtras(space: KeySpace, { key: { id, partition }, rows = [] }: Commit) {
  const extras = [{ key: space.viewTables(partition), args: ["views"] }];
  for (const step of rows) {
    const { table, schema, mode, values } = step;
    extras.push({
      key: space.viewRows(partition, table, schema),
      args: ["row", table, schema, id, mode, formatRow(step)],
    });
    fieldsOf(schema).forEach((field, i) => {
      extras.push({
        key: space.viewIndex(partition, table, schema, field),
        args: ["index", values[i] ?? ""],
      });
    });
  }
  return extras;
}
