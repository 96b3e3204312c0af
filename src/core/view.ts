// Views: rows that are made of an entity's state, commit with its events, and can be found by what is in them.

import { PachydermError } from "./errors.ts";
import { copyJson, type Json, problemText } from "./json.ts";
import { strayKey } from "./known-keys.ts";
import type { Reference } from "./reference.ts";
import { indexText, isIndexValue } from "./view-order.ts";

/** One view of an entity type: `S` is the state. */
export interface ViewSpec<S> {
  /** Raise it when `row` makes something else of the same state: the rows are made anew, under load. Default 1. */
  readonly version?: number;
  /**
   * The entity's row: an object of plain JSON, or null if it has none. Pure; what it throws fails the message with
   * HANDLER_FAILED. Dates are epoch milliseconds or ISO text.
   */
  row(state: S, reference: Reference): object | null;
  /**
   * Fields of the row by which it can be found: numbers, texts and booleans. A row whose field is left out or null is not
   * found by it. At most 8; another list is another form of the rows, as another version is.
   */
  readonly index?: readonly string[];
}

/** Views by name: letters, digits and `_-`, at most 64, a letter first. */
export type Views<S> = { readonly [name: string]: ViewSpec<S> };

/** The rows of a view. */
export type RowOf<V> = V extends { row(...args: never[]): infer R } ? Exclude<R, null> : never;

/** The fields by which rows of a view can be found. */
export type IndexOf<V> = V extends { readonly index: readonly (infer F extends string)[] } ? F : never;

/** A view as the engine needs it. */
export interface ViewTable {
  readonly name: string;
  /** `<entity type>:<name>`: among all types. */
  readonly table: string;
  /** `<version>` and its indexes, each behind a dot: rows of one schema are of one form. */
  readonly schema: string;
  /** The indexes, in the schema's order. */
  readonly fields: readonly string[];
  /** @throws PachydermError HANDLER_FAILED */
  rowOf(state: unknown, reference: Reference): Row;
}

/** What is stored of an entity's row. */
export interface Row {
  /** JSON text of an object; null: there is none. */
  readonly text: string | null;
  /** One for each index, in order, as {@link indexText} makes it; null: not to be found by it. */
  readonly values: readonly (string | null)[];
}

export const noRow = (fields: readonly string[]): Row => ({ text: null, values: fields.map(() => null) });

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const MOST_INDEXES = 8;

/** What is wrong with the views of a definition; undefined if nothing is. */
export function viewsProblem(views: unknown): string | undefined {
  if (views === undefined) return undefined;
  if (typeof views !== "object" || views === null) return "views is an object of views";
  for (const [name, view] of Object.entries(views)) {
    if (!NAME.test(name))
      return `the view ${name}: a name is letters, digits and _-, a letter first, at most 64`;
    const problem = viewProblem(view);
    if (problem !== undefined) return `the view ${name}: ${problem}`;
  }
  return undefined;
}

function viewProblem(view: unknown): string | undefined {
  if (typeof view !== "object" || view === null) return "it is { version, row, index }";
  const stray = strayKey(view, ["version", "row", "index"]);
  if (stray !== undefined) return stray;
  const { version = 1, row, index = [] } = view as Readonly<Record<keyof ViewSpec<never>, unknown>>;
  if (typeof row !== "function") return "row is a function";
  if (!(Number.isSafeInteger(version) && Number(version) >= 1)) return "version is a whole number from 1";
  if (!Array.isArray(index) || index.length > MOST_INDEXES)
    return `index is a list of at most ${MOST_INDEXES} fields`;
  for (const field of index) {
    if (typeof field !== "string" || !NAME.test(field))
      return "an index is the name of a field: letters, digits and _-, a letter first, at most 64";
  }
  return new Set(index).size === index.length ? undefined : "an index stands there twice";
}

/** @param views without a {@link viewsProblem} */
export function viewTables<S>(type: string, views: Views<S> | undefined): readonly ViewTable[] {
  return Object.entries(views ?? {}).map(([name, view]) => {
    const fields = [...(view.index ?? [])].toSorted();
    return {
      name,
      table: `${type}:${name}`,
      schema: [view.version ?? 1, ...fields].join("."),
      fields,
      rowOf: (state, reference) => {
        const row = makeRow(name, () => view.row(state as S, frozen(reference)));
        if (row === null) return noRow(fields);
        return {
          text: JSON.stringify(row),
          values: fields.map((field) =>
            indexTextOf(name, field, Object.hasOwn(row, field) ? row[field] : undefined),
          ),
        };
      },
    };
  });
}

/** The fields of a schema. */
export function fieldsOf(schema: string): readonly string[] {
  return schema.split(".").slice(1);
}

/** Mostly it is: then nothing is made. */
function frozen(reference: Reference): Reference {
  const { type, id } = reference;
  return Object.isFrozen(reference) ? reference : Object.freeze({ type, id });
}

function makeRow(name: string, make: () => object | null): { readonly [key: string]: Json } | null {
  let row: Json;
  try {
    row = copyJson(make(), Number.MAX_SAFE_INTEGER);
  } catch (cause) {
    throw failed(name, problemText(cause), cause);
  }
  if (row === null) return null;
  if (typeof row !== "object" || Array.isArray(row)) throw failed(name, "a row is an object, or null");
  return row as { readonly [key: string]: Json };
}

function indexTextOf(name: string, field: string, value: Json | undefined): string | null {
  if (value === undefined || value === null) return null;
  if (!isIndexValue(value)) {
    throw failed(
      name,
      `${field} is an index, and so a number, a boolean or a text of at most 1,000 characters`,
    );
  }
  return indexText(value);
}

function failed(name: string, reason: string, cause?: unknown): PachydermError {
  return new PachydermError("HANDLER_FAILED", `the view ${name} has no sound row: ${reason}`, { cause });
}
