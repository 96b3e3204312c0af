// The command line on a Node that is too old says so, instead of failing by a name that it does not know.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nodeProblem } from "../../src/cli/node-version.ts";

test.each(["22.12.0", "22.13.1", "23.0.0", "24.21.0", "100.0.0"])("Node %s will do", (version) => {
  expect(nodeProblem(version)).toBeUndefined();
});

test.each(["20.20.2", "22.11.9", "21.99.0", "9.0.0"])("Node %s is told what is needed", (version) => {
  expect(nodeProblem(version)).toContain(`22.12 or later, and this is ${version}`);
});

test("it is what package.json says", () => {
  const { engines } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly engines: { readonly node: string };
  };
  expect(engines.node).toBe(">=22.12");
});
