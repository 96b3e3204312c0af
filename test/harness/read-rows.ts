// All that a node reads of the views of shelves, in every way there is.

import type { Pachyderm } from "../../src/index.ts";
import type { Shelf } from "../programs/ledger.ts";

/** What a node reads of a view of shelves. */
export interface ReadRows {
  readonly view: string;
  /** By `get`, in the order of the ids. */
  readonly got: readonly unknown[];
  readonly count: number;
  /** By each index: all pages in both orders, and how many there are. */
  readonly by: Readonly<Record<string, { up: readonly unknown[]; down: readonly unknown[]; count: number }>>;
}

/** @param limit rows of a page */
export async function readShelves(
  node: Pachyderm,
  { views }: Shelf,
  ids: readonly string[],
  limit: number,
): Promise<readonly ReadRows[]> {
  const read = Object.entries(views).map(([name, { index }]) => readRows(node, name, index, ids, limit));
  return await Promise.all(read);
}

async function readRows(
  node: Pachyderm,
  name: string,
  index: readonly string[],
  ids: readonly string[],
  limit: number,
): Promise<ReadRows> {
  const view = node.view({ type: "shelf" }, name);
  const all = async (by: string, order: "ascending" | "descending") => {
    const rows: unknown[] = [];
    for (let after: string | null = ""; after !== null; ) {
      const page = await view.find({ by, order, limit, ...(after === "" ? {} : { after }) });
      rows.push(...page.rows);
      after = page.next;
    }
    return rows;
  };
  const by: Record<string, ReadRows["by"][string]> = {};
  for (const field of index) {
    const [up, down] = await Promise.all([all(field, "ascending"), all(field, "descending")]);
    by[field] = { up, down, count: await view.count({ by: field }) };
  }
  return { view: name, got: await Promise.all(ids.map((id) => view.get(id))), count: await view.count(), by };
}
