// Cursors that were ever given out are taken back, for ever: users keep them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cursorOf, cursorPrefix, type Place, parseCursor } from "../../src/core/cursor.ts";

interface Golden extends Place {
  readonly network: string;
  readonly cursor: string;
}

const goldens: readonly Golden[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "cursors.json"), "utf8"),
);

test.each(goldens)("golden: $cursor", ({ network, cursor, ...place }) => {
  expect(parseCursor(network, cursor)).toEqual(place);
  expect(cursorOf(cursorPrefix(network), place.id, place.version, place.commitId)).toBe(cursor);
});
