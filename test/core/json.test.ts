import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adoptJson, copyJson, freezeState, JsonProblem, MAX_DEPTH, parseJson } from "../../src/core/json.ts";

const PLENTY = 1_000_000;

function problemOf(run: () => unknown): JsonProblem | undefined {
  try {
    run();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof JsonProblem) return thrown;
    throw thrown;
  }
}

const isDeeplyFrozen = (value: unknown): boolean =>
  typeof value !== "object" ||
  value === null ||
  (Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen));

/** Values that JSON carries unchanged; keys that reach a prototype are refused, and tested below. */
const json = fc.jsonValue().filter((value) => !/"(__proto__|constructor)":/.test(JSON.stringify(value)));

describe("copyJson", () => {
  test("is what JSON text would carry, frozen to its depth, and shares nothing", () => {
    fc.assert(
      fc.property(json, (value) => {
        const copy = copyJson(value, PLENTY);
        expect(copy).toEqual(JSON.parse(JSON.stringify(value)));
        expect(isDeeplyFrozen(copy)).toBe(true);
        expect(Object.isFrozen(value) && typeof value === "object" && value !== null).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test("takes what has exactly the limit in bytes, and refuses one byte more", () => {
    const character = fc.constantFrom("a", "é", "\u0001", "\ud83d\ude00", '"', "\ud800", "€");
    const text = fc.array(character, { maxLength: 50 }).map((parts) => parts.join(""));
    const value = fc.oneof(
      json,
      fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 50 }),
      fc.array(text),
      fc.dictionary(text, fc.double({ noNaN: true, noDefaultInfinity: true })),
    );
    fc.assert(
      fc.property(value, (one) => {
        fc.pre(!/"(__proto__|constructor)":/.test(JSON.stringify(one)));
        const bytes = Buffer.byteLength(JSON.stringify(one));
        expect(problemOf(() => copyJson(one, bytes))).toBeUndefined();
        expect(problemOf(() => copyJson(one, bytes - 1))).toMatchObject({ tooLarge: true });
      }),
      { numRuns: 3_000 },
    );
  });

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a BigInt", 1n],
    ["NaN", Number.NaN],
    ["an infinity", Number.POSITIVE_INFINITY],
    ["a Date", new Date()],
    ["a Map", new Map()],
    ["an instance of a class", new (class Thing {})()],
    ["a boxed number", Object(1)],
    ["a hole", new Array(1)],
    ["bytes", new Uint8Array(1)],
    ["a promise", Promise.resolve(1)],
  ])("refuses %s, and says where", (_, value) => {
    expect(problemOf(() => copyJson(value, PLENTY))).toBeDefined();
    const nested = problemOf(() => copyJson({ a: [0, { b: value }] }, PLENTY));
    expect(nested?.path.slice(0, 3)).toEqual(["a", 1, "b"]);
  });

  test("refuses keys that reach a prototype, and leaves no trace", () => {
    const evil = [
      '{"__proto__":{"polluted":1}}',
      '{"a":{"__proto__":1}}',
      '{"\\u005f_proto__":{}}',
      '{"constructor":{"prototype":{"polluted":1}}}',
    ];
    for (const text of evil) {
      expect(
        problemOf(() => copyJson(JSON.parse(text), PLENTY)),
        text,
      ).toBeDefined();
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(copyJson({ constructor: "a name" }, PLENTY)).toEqual({ constructor: "a name" });
  });

  test("takes so many levels, and not one more; a cycle is too deep", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)]);
    expect(problemOf(() => copyJson(nested(MAX_DEPTH), PLENTY))).toBeUndefined();
    expect(problemOf(() => copyJson(nested(MAX_DEPTH + 1), PLENTY))).toBeDefined();
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(problemOf(() => copyJson(cycle, PLENTY))).toBeDefined();
    expect(problemOf(() => freezeState(cycle))).toBeDefined();
  });

  test("minus zero is zero, as in JSON", () => {
    expect(Object.is(copyJson(-0, PLENTY), 0)).toBe(true);
  });
});

describe("adoptJson", () => {
  const text = fc.oneof(
    fc.json(),
    fc.jsonValue({ stringUnit: "binary" }).map((value) => JSON.stringify(value)),
    fc.constantFrom(
      '{"__proto__":{"a":1}}',
      '[{"constructor":{"prototype":{}}}]',
      '{"constructor":1}',
      "1e999",
      '{"a":[[-1e999]]}',
      `${"[".repeat(MAX_DEPTH)}${"]".repeat(MAX_DEPTH)}`,
      `${"[".repeat(MAX_DEPTH + 1)}${"]".repeat(MAX_DEPTH + 1)}`,
      `${'{"a":'.repeat(MAX_DEPTH + 1)}1${"}".repeat(MAX_DEPTH + 1)}`,
    ),
  );

  test("takes and refuses what copyJson does of a text that was read, and freezes it where it stands", () => {
    fc.assert(
      fc.property(text, fc.constantFrom(10, 100, PLENTY), (one, most) => {
        fc.pre(!/-0(?![.\d])/.test(one)); // below
        const value: unknown = JSON.parse(one);
        const copied = problemOf(() => copyJson(JSON.parse(one), most));
        const adopted = problemOf(() => {
          expect(adoptJson(value, most)).toBe(value);
          expect(isDeeplyFrozen(value)).toBe(true);
        });
        // Of several faults each may name another.
        expect(adopted === undefined).toBe(copied === undefined);
      }),
      { numRuns: 3_000 },
    );
  });

  test("depth that no stack could follow is refused", () => {
    const value: unknown = JSON.parse(`${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`);
    expect(problemOf(() => adoptJson(value, 10_000_000))?.path).toHaveLength(MAX_DEPTH);
  });

  test("minus zero is refused: it stands in place, and would be read back as zero", () => {
    expect(problemOf(() => adoptJson(JSON.parse('{"a":[-0]}'), PLENTY))).toMatchObject({ path: ["a", 0] });
    expect(problemOf(() => adoptJson({ a: () => 1 }, PLENTY))).toMatchObject({ path: ["a"] });
  });
});

describe("freezeState", () => {
  test("freezes to the depth whatever JSON can carry", () => {
    fc.assert(
      fc.property(json, (value) => {
        freezeState(value);
        expect(isDeeplyFrozen(value)).toBe(true);
      }),
    );
  });

  test("what a program froze by itself is walked, but for what stood there before", () => {
    const before = Object.freeze({ list: [{ n: 1 }], other: { n: 2 } });
    freezeState(before);
    expect(isDeeplyFrozen(before)).toBe(true);
    const after = Object.freeze({ list: before.list, other: { n: 3 } });
    freezeState(after, before);
    expect(isDeeplyFrozen(after)).toBe(true);
    const unsound = Object.freeze({ list: before.list, other: Object.freeze({ n: 1n }) });
    expect(problemOf(() => freezeState(unsound, before))?.path).toEqual(["other", "n"]);
  });

  test("a number that JSON cannot carry is refused also where there was none before", () => {
    expect(problemOf(() => freezeState(Number.NaN, Number.NaN))).toBeDefined();
    expect(problemOf(() => freezeState(undefined, undefined))).toBeDefined();
  });
});

test("parseJson gives what was written, and refuses text that reaches a prototype", () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = JSON.stringify(value);
      expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
  );
  expect(() => parseJson('{"__proto__":{}}')).toThrow();
  expect(() => parseJson('{"\\u005f\\u005fproto__":{}}')).toThrow();
  expect(() => parseJson('{"a":')).toThrow();
});
