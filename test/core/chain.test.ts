import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../../src/core/json.ts";
import { formatReceipt, parseReceipt, type Receipt } from "../../src/core/receipt.ts";
import { Chain, type Link } from "../../src/engine/chain.ts";
import { fingerprint } from "../../src/engine/fingerprint.ts";

interface Item extends Link<Item> {
  readonly n: number;
}

test("a chain keeps its order through any appends and removals", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 100 }), (moves) => {
      const chain = new Chain<Item>();
      const items = Array.from({ length: 21 }, (_, n): Item => ({ n, previous: null, next: null }));
      const model: number[] = [];
      for (const n of moves) {
        const item = items[n];
        if (item === undefined) continue;
        if (model.includes(n)) {
          chain.remove(item);
          model.splice(model.indexOf(n), 1);
        } else {
          chain.append(item);
          model.push(n);
        }
        const seen: number[] = [];
        for (let one = chain.first; one !== null; one = one.next) seen.push(one.n);
        expect(seen).toEqual(model);
      }
    }),
  );
});

/** The same value, its objects built in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, part]) => [key, reversed(part)]),
  );
}

test("a fingerprint does not know the order of keys, and knows every value", () => {
  const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"));
  fc.assert(
    fc.property(json, json, (one, other) => {
      expect(fingerprint(reversed(one) as Json)).toBe(fingerprint(one as Json));
      const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
      expect(fingerprint(one as Json) === fingerprint(other as Json)).toBe(same);
    }),
  );
  expect(fingerprint({ a: "1" })).not.toBe(fingerprint({ a: 1 }));
  expect(fingerprint({ a: [1, 2] })).not.toBe(fingerprint({ a: [2, 1] }));
  expect(fingerprint({ a: null })).not.toBe(fingerprint({}));
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return { pairs: entries.map(([key, part]) => [key, sorted(part)]) };
}

const receipt: Receipt = {
  outcome: "rejected",
  messageId: "m",
  version: 3,
  reply: { a: [1] },
  hash: "h",
  rejection: { code: "no", detail: null },
};

test("a receipt comes back as it was", () => {
  expect(parseReceipt(formatReceipt(receipt))).toEqual(receipt);
  const committed = { ...receipt, outcome: "committed", rejection: null } as const;
  expect(parseReceipt(formatReceipt(committed))).toEqual(committed);
});

test("a receipt that lacks a part is none, whatever the text", () => {
  for (const key of ["outcome", "version", "reply", "hash", "rejection"]) {
    const { [key as keyof Receipt]: _, ...rest } = receipt;
    expect(parseReceipt(JSON.stringify(rest)), key).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseReceipt(text)).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseReceipt(text)).toBeUndefined();
    }),
  );
});
