// Keys of index values, byte by byte, are in the order of the values.

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  compareTexts,
  indexText,
  memberOf,
  partsOfMember,
  placeOfMember,
  spanOf,
} from "../../src/core/view-order.ts";

const id = "0190f3a0-1c2d-7e4f-8a5b-6c7d8e9f0a1b";
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const text = fc.string({ unit: "binary", maxLength: 12 });
const sign = (n: number) => Math.sign(n);

test("numbers: the order of their members is theirs", () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [one, other] = [memberOf(indexText(a), id), memberOf(indexText(b), id)];
      expect(sign(compareTexts(one, other))).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test("texts: the order of their members is that of their UTF-8, whatever is in them", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [one, other] = [memberOf(indexText(a), id), memberOf(indexText(b), id)];
      expect(sign(compareTexts(one, other))).toBe(sign(compareTexts(a.toWellFormed(), b.toWellFormed())));
    }),
  );
});

test("a member is in the span of its value, and in no other value's; and tells its parts", () => {
  fc.assert(
    fc.property(fc.oneof(number, text, fc.boolean()), fc.oneof(number, text, fc.boolean()), (a, b) => {
      const member = memberOf(indexText(a), id);
      const { from, to } = spanOf(b, b);
      const isIn = compareTexts(member, from) >= 0 && compareTexts(member, to) < 0;
      expect(isIn).toBe(indexText(a) === indexText(b));
      expect(partsOfMember(member)?.id).toBe(id);
      expect(placeOfMember(member)).toEqual(
        typeof a === "number" ? { number: a === 0 ? 0 : a, rest: `\0${id}` } : { number: null, rest: member },
      );
    }),
  );
});

test("golden: values as they are stored, and members as pages end at them", () => {
  const values = [true, 0, -0, 1, -1, 1.5, "a\0\x01"].map(indexText);
  expect(values).toEqual(["b1", "n0", "n0", "n1", "n-1", "n1.5", "ta\x01\x01\x01\x02"]);
  expect(values.map((value) => memberOf(value, "x"))).toEqual([
    "b1\0x",
    "n8000000000000000\0x",
    "n8000000000000000\0x",
    "nbff0000000000000\0x",
    "n400fffffffffffff\0x",
    "nbff8000000000000\0x",
    "ta\x01\x01\x01\x02\0x",
  ]);
});

test("what no row has is no member: a number that is none, an infinity, -0", () => {
  const inHex = [
    "fff8000000000000",
    "fff0000000000000",
    "000fffffffffffff",
    "7fffffffffffffff",
    "0000000000000000",
  ];
  for (const hex of inHex) expect(partsOfMember(`n${hex}\0${id}`), hex).toBeUndefined();
  for (const edge of [Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324, -5e-324, 0])
    expect(partsOfMember(memberOf(indexText(edge), id))?.id).toBe(id);
});
