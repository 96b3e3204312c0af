// An entity's partition is where its records are: it stays, for ever.

import { expect, test } from "vitest";
import { partitionOf } from "../../src/core/partition.ts";

test.each([
  ["0190f3a0-1c2d-7e4f-8a5b-6c7d8e9f0a1b", 10, 394],
  ["ffffffff-ffff-ffff-ffff-ffffffffffff", 17, 209],
  ["00000000-0000-0000-0000-000000000000", 24, 408],
  ["7d444840-9dc0-11d1-b245-5ffdce74fad2", 29, 573],
])("golden: the partition of %s", (id, of32, of1024) => {
  expect(partitionOf(id, 32)).toBe(of32);
  expect(partitionOf(id, 1_024)).toBe(of1024);
});
