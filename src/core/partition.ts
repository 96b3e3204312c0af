// From an id to its partition: the unit of placement, of atomicity and of scale.

/**
 * The partition of an id, from 0 to `partitions - 1`.
 *
 * FNV-1a over all characters, for ids may share any part of them (version 1 shares its tail, version 7 its head),
 * then the finalizer of MurmurHash3, so that the low bits depend on all of them. Part of the key format: a change
 * moves every entity.
 * Source: RFC 9923 (FNV), and A. Appleby, MurmurHash3, fmix32.
 */
export function partitionOf(id: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % partitions;
}
