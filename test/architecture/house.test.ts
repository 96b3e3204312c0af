// The house of docs/architecture.md holds; and each rule is proven by a violation that it must see.

import { expect, test } from "vitest";
import * as rules from "./rules.ts";
import { readSource, type SourceFile, sourceFile } from "./source.ts";

const real = readSource();

const planted: Readonly<Record<keyof typeof rules, readonly (readonly SourceFile[])[]>> = {
  importsPointDown: [
    [sourceFile("core/a.ts", 'import { b } from "../engine/b.ts";')],
    [sourceFile("core/a.ts", 'import type { B } from "../ports/b.ts";')],
    [sourceFile("engine/a.ts", 'export { b } from "../redis/b.ts";')],
    [sourceFile("memory/a.ts", 'const b = await import("../engine/b.ts");')],
    [sourceFile("engine/a.ts", 'import {\n  type B,\n  c,\n} from "../node/b.ts";')],
    [sourceFile("http/a.ts", 'import { b } from "../cli/b.ts";')],
    [sourceFile("helpers/a.ts", "")],
  ],
  noCircles: [
    [
      sourceFile("core/a.ts", 'import type { B } from "./b.ts";'),
      sourceFile("core/b.ts", 'import { c } from "./c.ts";'),
      sourceFile("core/c.ts", 'export * from "./a.ts";'),
    ],
  ],
  coreIsPure: [
    [sourceFile("core/a.ts", 'import { readFile } from "node:fs";')],
    [sourceFile("core/a.ts", 'import "zod";')],
    [sourceFile("core/a.ts", 'import { x } from "@standard-schema/spec";')],
    [sourceFile("core/a.ts", "const a = async () => 1;")],
  ],
  onlyRedisKnowsRedis: [[sourceFile("engine/a.ts", 'import type { Redis } from "ioredis/built/x.js";')]],
  onlyCliSpeaksToTerminals: [
    [sourceFile("http/a.ts", 'import colors from "picocolors";')],
    [sourceFile("node/a.ts", 'import type { Command } from "commander";')],
  ],
  lawsUseAssertOnly: [[sourceFile("laws/a.ts", 'import { test } from "vitest";')]],
  importsAreDependencies: [[sourceFile("http/a.ts", 'import type { Z } from "zod";')]],
  oneReaderOfTheEnvironment: [
    [sourceFile("node/a.ts", 'process.env["A"]'), sourceFile("redis/b.ts", "const { A } = process.env;")],
  ],
  oneReaderOfTheClock: [
    [sourceFile("engine/a.ts", "Date.now()")],
    [sourceFile("engine/a.ts", "new Date()")],
    [sourceFile("engine/a.ts", "performance.now()")],
    [sourceFile("memory/event-store.ts", "process.hrtime.bigint()")],
  ],
  namesSaySomething: [
    [sourceFile("engine/index.ts", "")],
    [sourceFile("engine/utils.ts", "")],
    [sourceFile("core/types/a.ts", "")],
  ],
  portsHaveTwins: [
    [sourceFile("ports/a.ts", ""), sourceFile("memory/a.ts", ""), sourceFile("laws/a.ts", "")],
  ],
};

test("the source is read", () => {
  expect(real.length).toBeGreaterThan(40);
  expect(real.flatMap(({ imports }) => imports).length).toBeGreaterThan(100);
});

test.each(Object.entries(rules))("%s", (name, rule) => {
  expect(rule(real)).toEqual([]);
  for (const files of planted[name as keyof typeof rules]) expect(rule(files)).not.toEqual([]);
});

test("comments and strings are no code", () => {
  const file = sourceFile(
    "core/a.ts",
    '// import "zod"; await\n/* Date.now() */\nconst text = "await Date.now()";',
  );
  expect(file.imports).toEqual([]);
  expect(Object.values(rules).flatMap((rule) => rule([file]))).toEqual([]);
});
