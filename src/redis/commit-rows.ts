// The typed side of commit-rows.lua: what the commits of a group do to rows of views, view by view.

import { fieldsOf } from "../core/view.ts";
import { memberOf } from "../core/view-order.ts";
import type { Commit, RowStep } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import { formatRow } from "./row-format.ts";
import type { ScriptArgument } from "./script-command.ts";

/** What the script is told of each view; parts of the header of commit.lua. */
export const viewForms = {
  view: [
    "table",
    "schema",
    "indexes",
    "changed",
    "rows",
    "quick",
    "whose",
    "row...",
    "move... (where quick)",
  ],
  row: ["id", "text"],
  move: ["outs", "ins", "new", "out...", "in..."],
} as const;

const LETTERS = { changed: "c", same: "s", repair: "r" } as const;

/** The rows of a group's commits, which come in the script's order. */
export class GroupViews {
  readonly #views: View[] = [];

  /** @param number of the commit in its group, from 1 */
  add(number: number, { key: { id }, rows = [] }: Commit): void {
    for (const step of rows) this.#viewOf(step).add(number, id, step);
  }

  /** @returns how many views there are */
  encode(space: KeySpace, partition: number, keys: string[], args: ScriptArgument[]): number {
    if (this.#views.length > 0) keys.push(space.viewTables(partition));
    for (const view of this.#views) view.encode(space, partition, keys, args);
    return this.#views.length;
  }

  #viewOf({ table, schema }: RowStep): View {
    for (const view of this.#views) if (view.table === table && view.schema === schema) return view;
    const view = new View(table, schema);
    this.#views.push(view);
    return view;
  }
}

/** What changes in one index. */
interface Move {
  readonly outs: string[];
  readonly ins: string[];
  /** How many of `ins` were not there before. */
  added: number;
}

/** The rows of one view, of one schema. */
class View {
  readonly table: string;
  readonly schema: string;
  readonly #fields: readonly string[];
  readonly #moves: readonly Move[];
  /** Of those that change; and of the others. */
  readonly #changed: string[] = [];
  readonly #rest: string[] = [];
  #whoseChanged = "";
  #whoseRest = "";
  #isQuick = true;

  constructor(table: string, schema: string) {
    this.table = table;
    this.schema = schema;
    this.#fields = fieldsOf(schema);
    this.#moves = this.#fields.map(() => ({ outs: [], ins: [], added: 0 }));
  }

  add(number: number, id: string, step: RowStep): void {
    const line = `${number} ${LETTERS[step.mode]}\n`;
    if (step.mode === "changed") {
      this.#whoseChanged += line;
      this.#changed.push(id, formatRow(step));
      this.#isQuick &&= this.#move(id, step);
    } else {
      this.#whoseRest += line;
      this.#rest.push(id, formatRow(step));
      if (step.mode === "repair") this.#isQuick = false;
    }
  }

  encode(space: KeySpace, partition: number, keys: string[], args: ScriptArgument[]): void {
    const { table, schema } = this;
    keys.push(space.viewRows(partition, table, schema));
    for (const field of this.#fields) keys.push(space.viewIndex(partition, table, schema, field));
    const changed = this.#changed.length / 2;
    args.push(table, schema, `${this.#fields.length}`, `${changed}`, `${changed + this.#rest.length / 2}`);
    args.push(this.#isQuick ? "1" : "0", this.#whoseChanged + this.#whoseRest);
    args.push(...this.#changed, ...this.#rest);
    if (!this.#isQuick) return;
    for (const { outs, ins, added } of this.#moves)
      args.push(`${outs.length}`, `${ins.length}`, `${added}`, ...outs, ...ins);
  }

  /** False where it must be asked what the row was. */
  #move(id: string, { row, values, before = null }: RowStep): boolean {
    if (row === null || before === null) return false;
    let i = 0;
    for (const move of this.#moves) {
      const from = before[i] ?? null;
      const to = values[i] ?? null;
      i += 1;
      // Where none goes and none stays, the script could not tell whether that is so.
      if (from === null) return false;
      if (to !== null) move.ins.push(memberOf(to, id));
      if (from === to) continue;
      move.outs.push(memberOf(from, id));
      if (to !== null) move.added += 1;
    }
    return true;
  }
}
