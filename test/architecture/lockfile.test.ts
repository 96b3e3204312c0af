// A clean clone can be set up: npm ci refuses a lockfile that leaves a dependency out, and npm writes such a lockfile
// without a word where a registry has not (yet) the binary of some other platform.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./source.ts";

interface LockedPackage {
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
type Packages = Readonly<Record<string, LockedPackage>>;

function problemsOf(packages: Packages): string[] {
  return Object.entries(packages).flatMap(([path, { resolved, dependencies, optionalDependencies }]) => [
    ...(resolved === undefined ? [] : [`${path} names the registry that it came from`]),
    ...Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !placesOf(path, name).some((place) => place in packages))
      .map((name) => `${path} needs ${name}, which is not locked`),
  ]);
}

/** Where Node looks for a package's dependency: beside it, then further up. */
function placesOf(path: string, name: string): string[] {
  const parts = path.split("node_modules/");
  return parts
    .map((_, i) =>
      `${parts.slice(0, parts.length - i).join("node_modules/")}/node_modules/${name}`.replace(/^\//, ""),
    )
    .map((place) => place.replace("//", "/"));
}

test("the lockfile is whole, and names no registry", () => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Packages;
  };
  expect(Object.keys(lock.packages).length).toBeGreaterThan(50);
  expect(problemsOf(lock.packages)).toEqual([]);
});

test("what is left out is seen, and what lies further up is found", () => {
  const a = { optionalDependencies: { b: "1.0.0" } };
  expect(problemsOf({ "node_modules/a": a })).toHaveLength(1);
  expect(problemsOf({ "node_modules/a": { resolved: "x" } })).toHaveLength(1);
  expect(problemsOf({ "node_modules/x/node_modules/a": a, "node_modules/b": {} })).toEqual([]);
  expect(problemsOf({ "node_modules/x/node_modules/a": a, "node_modules/x/node_modules/b": {} })).toEqual([]);
});
