// The hash behind partitions and ranks. Nodes and stored keys agree by it: a change moves every entity.

/**
 * 32 bits of a text. FNV-1a over all characters, for ids may share any part of them (version 1 shares its tail, version
 * 7 its head), then the finalizer of MurmurHash3, so that each bit depends on all of them.
 * Source: RFC 9923 (FNV), and A. Appleby, MurmurHash3, fmix32.
 */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ charCodeAt.call(text, i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Not looked up in the text: V8 has a dozen kinds of those (made, cut out, joined, read from JSON, …), and where several
 * come by it looks the method up anew for each character, which took twice as long.
 */
const { charCodeAt } = String.prototype;
