// From an id to its partition: the unit of placement, of atomicity and of scale.

import { hashOf } from "./hash.ts";

/** The partition of an id, from 0 to `partitions - 1`. Part of the key format: a change moves every entity. */
export function partitionOf(id: string, partitions: number): number {
  return hashOf(id) % partitions;
}
