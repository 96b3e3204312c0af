// The typed side of commit-rows.lua: what the commits of a group do to rows of views, view by view.

import { fieldsOf } from "../core/view.ts";
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
  place: ["score", "member"],
  move: { outs: ["ins", "new", "out...", "place..."], n: ["score..."] },
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

/** The rows of one view, of one schema. */
class View {
  readonly table: string;
  readonly schema: string;
  readonly #fields: readonly string[];
  readonly #changed: Step[] = [];
  readonly #rest: Step[] = [];

  constructor(table: string, schema: string) {
    this.table = table;
    this.schema = schema;
    this.#fields = fieldsOf(schema);
  }

  add(number: number, id: string, step: RowStep): void {
    (step.mode === "changed" ? this.#changed : this.#rest).push({ number, id, step });
  }

  encode(space: KeySpace, partition: number, keys: string[], args: ScriptArgument[]): void {
    const { table, schema } = this;
    keys.push(space.viewRows(partition, table, schema));
    for (const field of this.#fields) keys.push(space.viewIndex(partition, table, schema, field));
    const changed = this.#changed.length;
    args.push(table, schema, `${this.#fields.length}`, `${changed}`, `${changed + this.#rest.length}`);
    const moves = this.#moves();
    let whose = "";
    args.push(moves === null ? "0" : "1", whose);
    const at = args.length;
    for (const steps of [this.#changed, this.#rest]) {
      for (const { number, id, step } of steps) {
        whose += `${number} ${LETTERS[step.mode]}\n`;
        args.push(id, formatRow(step));
      }
    }
    args[at - 1] = whose;
    if (moves !== null) for (const move of moves) args.push(...move);
  }

  /** Null where it must be asked what the rows were. */
  #moves(): readonly (readonly string[])[] | null {
    for (const { step } of this.#rest) if (step.mode === "repair") return null;
    for (const { step } of this.#changed) if (step.row === null) return null;
    const moves: (readonly string[])[] = [];
    for (let i = 0; i < this.#fields.length; i++) {
      const move = numbersOf(this.#changed, i) ?? moveOf(this.#changed, i);
      if (move === null) return null;
      moves.push(move);
    }
    return moves;
  }
}

/** What a commit does to one row. */
interface Step {
  /** Of the commit, in its group. */
  readonly number: number;
  readonly id: string;
  readonly step: RowStep;
}

/** Where all rows have a number, and had one for all that is known. */
function numbersOf(steps: readonly Step[], index: number): readonly string[] | null {
  const move = ["n"];
  for (const { step } of steps) {
    const { before = null, values } = step;
    const to = values[index] ?? null;
    if (to === null || !isNumber(to)) return null;
    const from = before === null ? to : (before[index] ?? null);
    if (from === null || !isNumber(from)) return null;
    move.push(to.slice(1));
  }
  return move;
}

function moveOf(steps: readonly Step[], index: number): readonly string[] | null {
  const outs: string[] = [];
  const ins: string[] = [];
  let added = 0;
  for (const { id, step } of steps) {
    const { before = null, values } = step;
    const from = before?.[index] ?? null;
    // Where none goes and none stays, the script could not tell whether that is so.
    if (from === null) return null;
    const to = values[index] ?? null;
    const [, gone] = placeOf(from, id);
    if (to === null) {
      outs.push(gone);
      continue;
    }
    const place = placeOf(to, id);
    ins.push(...place);
    if (gone === place[1]) continue;
    outs.push(gone);
    added += 1;
  }
  return [`${outs.length}`, `${ins.length / 2}`, `${added}`, ...outs, ...ins];
}

/** Score and member in an index, as commit-rows.lua has them. */
function placeOf(value: string, id: string): readonly [score: string, member: string] {
  if (isNumber(value)) return [value.slice(1), id];
  return [value.startsWith("b") ? "-inf" : "+inf", `${value}\0${id}`];
}

function isNumber(value: string): boolean {
  return value.startsWith("n");
}
