// Who is to have a partition: every node that knows the same nodes says the same, without asking anybody.

import { hashOf } from "./hash.ts";

/**
 * The ids in the order in which they should have the partition: the first one, or where that is not there the next.
 *
 * Rendezvous hashing: each id has a weight of its own for each partition, and the heaviest is first. So a node that comes
 * takes partitions from the others and moves none between them, and those of one that goes are shared out among the rest.
 * Nodes of different versions must agree, so the order is part of the protocol.
 * Source: D. Thaler, C. Ravishankar, Using Name-Based Mappings to Increase Hit Rates, IEEE/ACM Transactions on
 * Networking 6(1), 1998.
 */
export function rank(partition: number, ids: readonly string[]): readonly string[] {
  return ids
    .map((id) => ({ id, weight: hashOf(`${partition}:${id}`) }))
    .toSorted((a, b) => b.weight - a.weight || byText(a.id, b.id))
    .map(({ id }) => id);
}

/** By code units, the same everywhere: a locale's order is not. */
function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
