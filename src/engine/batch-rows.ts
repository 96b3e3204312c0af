// What a batch does to the rows of its entity's views: a part of batch.ts.

import type { AnyEntity } from "../core/entity.ts";
import type { Row } from "../core/view.ts";
import type { RowStep } from "../ports/event-store.ts";
import type { Head } from "./head.ts";

/**
 * Null where there are no views, or nothing is committed that could change a row. A row that is as it was is told of too:
 * while code of another schema runs elsewhere, that schema's row may not be.
 *
 * @param repaired the rows, if they are to be written whatever is known of them
 */
export function rowSteps(
  definition: AnyEntity | null,
  base: Head,
  head: Head,
  repaired: readonly Row[] | null,
): readonly RowStep[] | null {
  const brings = head.version > base.version;
  const rows = brings ? head.rows : repaired;
  if (rows === null || definition === null) return null;
  return definition.viewTables.map(({ table, schema }, i) => {
    const { text = null, values = [] } = rows[i] ?? {};
    const isSame = repaired === null && base.rows !== null && base.rows[i]?.text === text;
    const mode = !brings ? "repair" : isSame ? "same" : "changed";
    return { table, schema, mode, row: text, values, before: base.rows?.[i]?.values ?? null };
  });
}
