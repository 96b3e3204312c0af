// Keys of index values, byte by byte, are in the order of the values.

import fc from "fast-check";
import { expect, test } from "vitest";
import { compareTexts, indexKey, memberOf, partsOfMember, spanOf } from "../../src/core/view-order.ts";

const id = "0190f3a0-1c2d-7e4f-8a5b-6c7d8e9f0a1b";
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const text = fc.string({ unit: "binary", maxLength: 12 });
const sign = (n: number) => Math.sign(n);

test("numbers: the order of their members is theirs", () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [one, other] = [memberOf(indexKey(a), id), memberOf(indexKey(b), id)];
      expect(sign(compareTexts(one, other))).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test("texts: the order of their members is that of their UTF-8, whatever is in them", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [one, other] = [memberOf(indexKey(a), id), memberOf(indexKey(b), id)];
      expect(sign(compareTexts(one, other))).toBe(sign(compareTexts(a.toWellFormed(), b.toWellFormed())));
    }),
  );
});

test("a member is in the span of its value, and in no other value's; and tells its parts", () => {
  fc.assert(
    fc.property(fc.oneof(number, text, fc.boolean()), fc.oneof(number, text, fc.boolean()), (a, b) => {
      const member = memberOf(indexKey(a), id);
      const { from, to } = spanOf(b, b);
      const isIn = compareTexts(member, from) >= 0 && compareTexts(member, to) < 0;
      expect(isIn).toBe(indexKey(a) === indexKey(b));
      expect(partsOfMember(member)).toEqual({ key: indexKey(a), id });
    }),
  );
});

test("golden: keys, for what is stored is found by them", () => {
  expect([true, 0, -0, 1, -1, 1.5, "a\0\x01"].map(indexKey)).toEqual([
    "b1",
    "n8000000000000000",
    "n8000000000000000",
    "nbff0000000000000",
    "n400fffffffffffff",
    "nbff8000000000000",
    "ta\x01\x01\x01\x02",
  ]);
});
