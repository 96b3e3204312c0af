// The typed side of commit-rows.lua: what the commits of a group do to rows of views, view by view.

import { fieldsOf } from "../core/view.ts";
import type { Commit, RowStep } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import { formatRow } from "./row-format.ts";
import type { ScriptArgument } from "./script-command.ts";

/** What the script is told of each view; a part of the header of commit.lua. */
export const viewArgNames = ["table", "schema", "indexes", "whose", "text..."] as const;

/** The rows of one view, of one schema. */
interface View {
  readonly table: string;
  readonly schema: string;
  /** A line for each row: the number of its commit in the group, from 1; the first letter of its mode; its id. */
  whose: string;
  readonly texts: string[];
}

const LETTERS = { changed: "c", same: "s", repair: "r" } as const;

/** Those of a group's commits, which come in the script's order. */
export class GroupViews {
  readonly #views: View[] = [];

  add(number: number, { key: { id }, rows = [] }: Commit): void {
    for (const step of rows) {
      const view = this.#viewOf(step);
      view.whose += `${number} ${LETTERS[step.mode]} ${id}\n`;
      view.texts.push(formatRow(step));
    }
  }

  /** @returns how many views there are */
  encode(space: KeySpace, partition: number, keys: string[], args: ScriptArgument[]): number {
    if (this.#views.length > 0) keys.push(space.viewTables(partition));
    for (const { table, schema, whose, texts } of this.#views) {
      const fields = fieldsOf(schema);
      keys.push(space.viewRows(partition, table, schema));
      for (const field of fields) keys.push(space.viewIndex(partition, table, schema, field));
      args.push(table, schema, `${fields.length}`, whose, ...texts);
    }
    return this.#views.length;
  }

  #viewOf({ table, schema }: RowStep): View {
    for (const view of this.#views) if (view.table === table && view.schema === schema) return view;
    const view = { table, schema, whose: "", texts: [] };
    this.#views.push(view);
    return view;
  }
}
