import fc from "fast-check";
import { expect, test } from "vitest";
import { cursorOf, cursorPrefix, parseCursor } from "../../src/core/cursor.ts";
import { partitionOf } from "../../src/core/partition.ts";
import { idFrom, newId, parseReference } from "../../src/core/reference.ts";
import { PachydermError } from "../../src/index.ts";

const prefix = cursorPrefix("main");

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "nothing thrown";
  } catch (thrown) {
    return thrown instanceof PachydermError ? thrown.code : "not ours";
  }
};

test("a reference of any UUID comes back in lower case", () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      expect(parseReference({ type: "counter", id: id.toUpperCase() })).toEqual({ type: "counter", id });
    }),
  );
});

test("anything else is INVALID_REFERENCE", () => {
  const id = newId();
  const bad: unknown[] = [
    null,
    undefined,
    1,
    "x",
    [],
    {},
    { type: "a" },
    { id },
    { type: "", id },
    { type: "1a", id },
    { type: "a b", id },
    { type: `a${"b".repeat(64)}`, id },
    { type: "a", id: `${id} ` },
    { type: "a", id: id.slice(1) },
    { type: "a", id: 7 },
    { type: "$a", id },
    { type: "a\n", id },
  ];
  for (const one of bad)
    expect(
      codeOf(() => parseReference(one)),
      JSON.stringify(one),
    ).toBe("INVALID_REFERENCE");
  fc.assert(
    fc.property(fc.anything(), (one) => {
      expect(["INVALID_REFERENCE", "nothing thrown"]).toContain(codeOf(() => parseReference(one)));
    }),
    { numRuns: 2_000 },
  );
});

test("a property that throws makes an INVALID_REFERENCE as well", () => {
  const broken = {
    get type(): string {
      throw new Error("a getter broke");
    },
    id: newId(),
  };
  expect(codeOf(() => parseReference(broken))).toBe("INVALID_REFERENCE");
});

test("idFrom is the same for the same two texts, and another for any other", () => {
  expect(idFrom("airports", "SFO")).toBe(idFrom("airports", "SFO"));
  expect(new Set([idFrom("a", "b"), idFrom("b", "a"), idFrom("a", "B"), idFrom("a", "b ")]).size).toBe(4);
  for (const [namespace, name] of [
    ["", "a"],
    ["a", ""],
  ] as const) {
    expect(codeOf(() => idFrom(namespace, name))).toBe("INVALID_REFERENCE");
  }
});

const place = fc.record({
  network: fc.stringMatching(/^[a-z0-9-]{1,40}$/),
  id: fc.uuid(),
  version: fc.integer({ min: 1, max: 2 ** 48 }),
  commitId: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
});

test("a cursor names its place, and needs no escape in a header or a URL", () => {
  fc.assert(
    fc.property(place, ({ network, id, version, commitId }) => {
      const cursor = cursorOf(cursorPrefix(network), id, version, commitId);
      expect(parseCursor(network, cursor)).toEqual({ id, version, commitId });
      expect(encodeURIComponent(cursor)).toBe(cursor);
    }),
  );
  const id = newId();
  expect(parseCursor("main", cursorOf(prefix, id, 0, ""))).toEqual({ id, version: 0, commitId: "" });
});

test("what is no cursor, of another network, or names a place that cannot be, is INVALID_CURSOR", () => {
  const id = newId();
  const good = cursorOf(prefix, id, 3, "c");
  const bad: unknown[] = [
    undefined,
    null,
    3,
    "",
    good.slice(1),
    `${good} `,
    `${good}\n`,
    `p2${good.slice(2)}`,
    cursorOf(cursorPrefix("other"), id, 3, "c"),
    cursorOf(prefix, id, 3, ""),
    cursorOf(prefix, id, 0, "c"),
    cursorOf(prefix, "x", 3, "c"),
    `p1.main.${id}.03.c`,
    `p1.main.${id}.9999999999999999.c`,
  ];
  for (const one of bad)
    expect(
      codeOf(() => parseCursor("main", one)),
      String(one),
    ).toBe("INVALID_CURSOR");
  fc.assert(
    fc.property(fc.anything(), (one) => {
      expect(codeOf(() => parseCursor("main", one))).toBe("INVALID_CURSOR");
    }),
  );
});

test("the partition of an id is part of the key format: it never changes", () => {
  const golden = [
    ["00000000-0000-0000-0000-000000000000", [0, 0, 24, 408]],
    ["ffffffff-ffff-ffff-ffff-ffffffffffff", [0, 1, 17, 209]],
    ["0190f3a0-1c2d-7e4f-8a5b-6c7d8e9f0a1b", [0, 0, 10, 394]],
  ] as const;
  for (const [id, partitions] of golden) {
    expect(
      [1, 2, 32, 1_024].map((count) => partitionOf(id, count)),
      id,
    ).toEqual(partitions);
  }
});

test.each([
  ["of newId", () => newId()],
  ["of idFrom", (i: number) => idFrom("numbers", `${i}`)],
  ["that differ at the end", (i: number) => `0190f3a0-1c2d-7e4f-8a5b-${i.toString(16).padStart(12, "0")}`],
  [
    "that differ at the beginning",
    (i: number) => `${i.toString(16).padStart(8, "0")}-1c2d-1e4f-8a5b-6c7d8e9f0a1b`,
  ],
])("ids %s spread evenly over the partitions", (_, make) => {
  const counts = new Array<number>(32).fill(0);
  for (let i = 0; i < 32_000; i++) {
    const at = partitionOf(make(i), 32);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  // 1,000 each, with a standard deviation of 31: six of them.
  expect(Math.min(...counts)).toBeGreaterThan(810);
  expect(Math.max(...counts)).toBeLessThan(1_190);
});
