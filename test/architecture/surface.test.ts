// What users can import, as a list that is checked in: a change of it is a decision. `npx vitest run -u` rewrites it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./source.ts";

/** One line for each export: `value name` or `type name`. */
function surfaceOf(text: string): string[] {
  if (/export\s*\*|export\s+default/.test(text)) throw new Error("an entrance has named exports only");
  const lists = [...text.matchAll(/^export (type )?\{([^}]*)\}/gm)];
  return lists
    .flatMap(([, type, list = ""]) =>
      list
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "")
        .map((part) =>
          type !== undefined || part.startsWith("type ") ? `type ${bare(part)}` : `value ${bare(part)}`,
        ),
    )
    .sort();
}

function bare(part: string): string {
  return part.replace(/^type /, "").replace(/^.* as /, "");
}

test.each(["index.ts", "http/index.ts", "testing/index.ts"])(
  "the exports of %s are the list that is checked in",
  async (entrance) => {
    const surface = surfaceOf(readFileSync(join(root, "src", entrance), "utf8"));
    expect(surface.length).toBeGreaterThan(1);
    await expect(`${surface.join("\n")}\n`).toMatchFileSnapshot(`surface/${entrance.replace("/", "-")}.txt`);
  },
);

test("an export that is added, of any form, is seen", () => {
  expect(surfaceOf('export { a, type B, c as d } from "./a.ts";\nexport type { E } from "./e.ts";')).toEqual([
    "type B",
    "type E",
    "value a",
    "value d",
  ]);
  expect(() => surfaceOf('export * from "./a.ts";')).toThrow("named exports");
});
