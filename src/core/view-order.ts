// How values stand in an index: as texts whose order, byte by byte, is the order of the values. So one sorted set of texts
// does for numbers, texts and booleans, a page ends at a text, and the pages of many partitions are merged by comparing.
//
//   boolean   b0, b1
//   number    n and its 64 bits (IEEE 754) in hex, turned so that they sort: the sign bit flipped, of negative ones all
//   text      t and its UTF-8, U+0000 as 01 01 and U+0001 as 01 02: so nothing in it sorts before the end, which is 00
//
// A member is such a text, U+0000 and the entity's id: unique, and all of one value stand together, in the order of ids.

export type IndexValue = number | string | boolean;

/** Longer texts are not for finding by. */
const LONGEST = 1_000;
const ID_LENGTH = 36;
const END = "\0";
const BEHIND_END = "\x01";
const KEY = /^(?:b[01]|n[0-9a-f]{16}|t[^\0]{0,2000})$/;

export function isIndexValue(value: unknown): value is IndexValue {
  if (typeof value === "string") return value.length <= LONGEST;
  return typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
}

export function indexKey(value: IndexValue): string {
  switch (typeof value) {
    case "boolean":
      return value ? "b1" : "b0";
    case "number":
      return `n${sortableBits(value)}`;
    default:
      return `t${wellFormed(value).replaceAll("\x01", "\x01\x02").replaceAll("\0", "\x01\x01")}`;
  }
}

/** A half of a pair would be stored as U+FFFD: then so it is looked for, too. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

const bits = new DataView(new ArrayBuffer(8));

function sortableBits(value: number): string {
  bits.setFloat64(0, value === 0 ? 0 : value); // -0 is 0
  const high = bits.getUint32(0);
  const low = bits.getUint32(4);
  // Halves and no BigInt: it costs a microsecond of each commit.
  return high < SIGN ? hex(high + SIGN) + hex(low) : hex(~high >>> 0) + hex(~low >>> 0);
}

const SIGN = 0x8000_0000;

/** Of each byte: joined, they are a half in half the time that toString(16) takes. */
const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex(half: number): string {
  return `${BYTES[half >>> 24]}${BYTES[(half >>> 16) & 255]}${BYTES[(half >>> 8) & 255]}${BYTES[half & 255]}`;
}

export function memberOf(key: string, id: string): string {
  return `${key}${END}${id}`;
}

/** Undefined if it is no member. */
export function partsOfMember(member: string): { readonly key: string; readonly id: string } | undefined {
  const at = member.length - ID_LENGTH - 1;
  const key = member.slice(0, Math.max(at, 0));
  return member[at] === END && KEY.test(key) ? { key, id: member.slice(at + 1) } : undefined;
}

/** Which members are meant: from the first text, inclusive, to the second, exclusive. */
export interface Span {
  readonly from: string;
  readonly to: string;
}

/**
 * Those of values from one to the other, both inclusive. Where one is left out, all of the other's kind from or up to it;
 * where both are, all that there are.
 */
export function spanOf(from: IndexValue | undefined, to: IndexValue | undefined): Span {
  const kind = kindOf(from ?? to);
  return {
    from: from === undefined ? kind : indexKey(from) + END,
    to:
      to === undefined
        ? kind === ""
          ? "u"
          : String.fromCharCode(kind.charCodeAt(0) + 1)
        : indexKey(to) + BEHIND_END,
  };
}

export function isIn({ from, to }: Span, member: string): boolean {
  return compareTexts(member, from) >= 0 && compareTexts(member, to) < 0;
}

/** Whether values of both can be compared: of one kind. */
export function sameKind(a: IndexValue, b: IndexValue): boolean {
  return typeof a === typeof b;
}

function kindOf(value: IndexValue | undefined): string {
  return value === undefined ? "" : indexKey(value).slice(0, 1);
}

/** Byte by byte, as Redis does: UTF-16, in which texts are compared here, has another order beyond U+FFFF. */
export function compareTexts(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
