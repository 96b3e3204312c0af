// The rows of views of an embedded log, by partition, view and schema.

import { fieldsOf } from "../core/view.ts";
import { compareTexts, memberOf } from "../core/view-order.ts";
import type { Commit, RowStep } from "../ports/event-store.ts";
import type { IndexSpan, StandingSchema, ViewKey } from "../ports/views.ts";

interface KeptRow {
  readonly row: string;
  readonly members: readonly (string | null)[];
}

/** The rows of one schema of a view in one partition. */
export class ViewRows {
  ready: boolean;
  readonly rows = new Map<string, KeptRow>();
  readonly behind = new Set<string>();
  readonly #fields: readonly string[];
  /** By field, in order. */
  readonly #indexes: readonly string[][];

  constructor(schema: string, ready: boolean) {
    this.ready = ready;
    this.#fields = fieldsOf(schema);
    this.#indexes = this.#fields.map(() => []);
  }

  write(id: string, { mode, row, values }: RowStep): void {
    if (mode === "repair") this.behind.delete(id);
    if (mode === "same" && this.ready) return;
    const old = this.rows.get(id)?.members ?? [];
    const members = values.map((value) => (row === null || value === null ? null : memberOf(value, id)));
    this.#indexes.forEach((index, i) => {
      const before = old[i] ?? null;
      const after = members[i] ?? null;
      if (before === after) return;
      if (before !== null) index.splice(placeOf(index, before), 1);
      if (after !== null) index.splice(placeOf(index, after), 0, after);
    });
    if (row === null) this.rows.delete(id);
    else this.rows.set(id, { row, members });
  }

  membersIn({ field, from, to }: IndexSpan): readonly string[] {
    const index = this.#indexes[this.#fields.indexOf(field)] ?? [];
    return index.slice(placeOf(index, from), placeOf(index, to));
  }
}

export class ViewTables {
  /** By partition, then by view, then by schema. */
  readonly #partitions = new Map<number, Map<string, Map<string, ViewRows>>>();

  find(partition: number, { table, schema }: ViewKey): ViewRows | undefined {
    return this.#partitions.get(partition)?.get(table)?.get(schema);
  }

  begin(partition: number, { table, schema }: ViewKey, isEmpty: boolean): void {
    const views = this.#partitions.get(partition) ?? new Map<string, Map<string, ViewRows>>();
    this.#partitions.set(partition, views);
    const schemas = views.get(table) ?? new Map<string, ViewRows>();
    views.set(table, schemas);
    if (!schemas.has(schema)) schemas.set(schema, new ViewRows(schema, isEmpty));
  }

  drop(partition: number, { table, schema }: ViewKey): void {
    this.#partitions.get(partition)?.get(table)?.delete(schema);
  }

  list(partition: number): readonly StandingSchema[] {
    return [...(this.#partitions.get(partition) ?? [])].flatMap(([table, schemas]) =>
      [...schemas].map(([schema, { ready }]) => ({ table, schema, ready })),
    );
  }

  /** What a commit does: its own schema's rows are written, all others of the view fall behind. */
  write({ key: { id, partition }, rows = [] }: Commit): void {
    for (const step of rows) {
      for (const [schema, kept] of this.#partitions.get(partition)?.get(step.table) ?? []) {
        if (schema === step.schema) kept.write(id, step);
        else if (step.mode !== "repair") kept.behind.add(id);
      }
    }
  }
}

/** The place of the first text that is not before this one. */
function placeOf(list: readonly string[], text: string): number {
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compareTexts(list[middle] ?? "", text) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}
