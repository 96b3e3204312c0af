// How values stand in an index. A value is a text of its kind, as rows have it:
//
//   boolean   b0, b1
//   number    n and the number as JavaScript writes it
//   text      t and its UTF-8, U+0000 as 01 01 and U+0001 as 01 02: so nothing in it sorts before the end, which is 00
//
// Members are in the order of the values, byte by byte, so a page ends at a text, and the pages of many partitions are merged
// by comparing. A member is the value, U+0000 and the entity's id: unique, and all of one value stand together, in the order
// of ids. In it, a number is its 64 bits (IEEE 754) in hex, turned so that they sort: the sign bit flipped, of negative ones
// all. Only who reads makes members; what a store keeps is its own.

export type IndexValue = number | string | boolean;

/** Longer texts are not for finding by. */
const LONGEST = 1_000;
const ID_LENGTH = 36;
const END = "\0";
const BEHIND_END = "\x01";
const NUMBER = /^n([0-9a-f]{16})/;
const KEY = /^(?:b[01]|n[0-9a-f]{16}|t[^\0]{0,2000})$/;

export function isIndexValue(value: unknown): value is IndexValue {
  if (typeof value === "string") return value.length <= LONGEST;
  return typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
}

/** The value as rows have it. */
export function indexText(value: IndexValue): string {
  switch (typeof value) {
    case "boolean":
      return value ? "b1" : "b0";
    case "number":
      return `n${value}`; // -0 is 0, as JavaScript writes it
    default:
      return `t${wellFormed(value).replaceAll("\x01", "\x01\x02").replaceAll("\0", "\x01\x01")}`;
  }
}

/** The same, in the order of values. */
function indexKey(text: string): string {
  return text.startsWith("n") ? `n${sortableBits(Number(text.slice(1)))}` : text;
}

/** A half of a pair would be stored as U+FFFD: then so it is looked for, too. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

const bits = new DataView(new ArrayBuffer(8));

function sortableBits(value: number): string {
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const low = bits.getUint32(4);
  return high < SIGN ? hex(high + SIGN) + hex(low) : hex(~high >>> 0) + hex(~low >>> 0);
}

const SIGN = 0x8000_0000;

function hex(half: number): string {
  return half.toString(16).padStart(8, "0");
}

function numberOf(sortable: string): number {
  const high = Number.parseInt(sortable.slice(0, 8), 16);
  const low = Number.parseInt(sortable.slice(8), 16);
  bits.setUint32(0, high < SIGN ? ~high : high - SIGN);
  bits.setUint32(4, high < SIGN ? ~low : low);
  return bits.getFloat64(0);
}

/** @param text as {@link indexText} makes it */
export function memberOf(text: string, id: string): string {
  return `${indexKey(text)}${END}${id}`;
}

/** Undefined if it is no member. */
export function partsOfMember(member: string): { readonly key: string; readonly id: string } | undefined {
  const at = member.length - ID_LENGTH - 1;
  const key = member.slice(0, Math.max(at, 0));
  const isMember = member[at] === END && KEY.test(key) && isNumberOfRows(key);
  return isMember ? { key, id: member.slice(at + 1) } : undefined;
}

/** No row has the bits of what is no number, of the infinities or of -0: to a store they would be another place. */
function isNumberOfRows(key: string): boolean {
  if (!key.startsWith("n")) return true;
  const number = numberOf(key.slice(1));
  return Number.isFinite(number) && !Object.is(number, -0);
}

/**
 * Where a member stands, or any text beside members: at a number, and behind what; or, of a text that is none of a number's,
 * null, and the text itself.
 */
export function placeOfMember(text: string): { readonly number: number | null; readonly rest: string } {
  const [head, sortable] = NUMBER.exec(text) ?? [];
  if (head === undefined || sortable === undefined) return { number: null, rest: text };
  return { number: numberOf(sortable), rest: text.slice(head.length) };
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
    from: from === undefined ? kind : keyOf(from) + END,
    to:
      to === undefined
        ? kind === ""
          ? "u"
          : String.fromCharCode(kind.charCodeAt(0) + 1)
        : keyOf(to) + BEHIND_END,
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
  return value === undefined ? "" : indexText(value).slice(0, 1);
}

function keyOf(value: IndexValue): string {
  return indexKey(indexText(value));
}

/** Byte by byte, as Redis does: UTF-16, in which texts are compared here, has another order beyond U+FFFF. */
export function compareTexts(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
