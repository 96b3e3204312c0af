// What is to be done about the views in a partition. Pure: what is there, what this node's code wants, and what the code of
// all live nodes writes.

import type { AnyEntity } from "../core/entity.ts";
import type { StandingSchema, ViewKey } from "../ports/views.ts";

/** What a live node's code hosts and writes. */
export interface Hosting {
  readonly types: readonly string[];
  /** Schemas of views, as {@link announcedAs} writes them. */
  readonly views?: readonly string[];
}

export interface ViewPlan {
  readonly begin: readonly ViewKey[];
  /** Those that are there, or begin, and are not built. */
  readonly build: readonly ViewKey[];
  /** At once: rows of theirs may be wrong. */
  readonly drop: readonly ViewKey[];
  /** No live node's code has them. */
  readonly unwanted: readonly ViewKey[];
}

export function announcedAs({ table, schema }: ViewKey): string {
  return `${table}=${schema}`;
}

/**
 * A view begins once every live node that hosts its type writes rows for it, of whatever schema: a commit of code that has
 * no such view would pass its rows by. Should such a node come later, the view goes, and is built anew when that has left.
 * A schema goes when no live node's code has it.
 */
export function planViews(
  schemas: readonly StandingSchema[],
  definitions: readonly AnyEntity[],
  nodes: readonly Hosting[],
): ViewPlan {
  const own = definitions.flatMap((definition) =>
    definition.viewTables.map((view) => ({ view, definition })),
  );
  const blocked = new Set(
    own
      .filter(({ view, definition }) => nodes.some((node) => passesBy(node, definition, view.table)))
      .map(({ view }) => view.table),
  );
  const wanted = own
    .map(({ view: { table, schema } }) => ({ table, schema }))
    .filter(({ table }) => !blocked.has(table));
  const find = (view: ViewKey) => schemas.find((one) => isSame(one, view));
  const isWritten = (view: ViewKey): boolean => nodes.some(({ views }) => views?.includes(announcedAs(view)));
  return {
    begin: wanted.filter((view) => find(view) === undefined),
    build: wanted.filter((view) => find(view)?.ready !== true),
    drop: schemas.filter(({ table }) => blocked.has(table)),
    unwanted: schemas.filter((one) => !blocked.has(one.table) && !isWritten(one)),
  };
}

/** Whether commits of this node's code leave the rows of the view as they are. */
function passesBy({ types, views }: Hosting, { type, formerly }: AnyEntity, table: string): boolean {
  if (![type, ...formerly].some((name) => types.includes(name))) return false;
  return views?.some((view) => view.startsWith(`${table}=`)) !== true;
}

export function isSame(a: ViewKey, b: ViewKey): boolean {
  return a.table === b.table && a.schema === b.schema;
}
