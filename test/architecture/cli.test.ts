// docs/cli.md tells the commands, their options, the codes and the exit codes that there are, and no others.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CliCommand, Leaf } from "../../src/cli/command.ts";
import { commands } from "../../src/cli/commands.ts";
import { suites } from "../../src/cli/doctor/laws.ts";
import { cliTable, exitCodeOf, exitCodes, tell } from "../../src/cli/failure.ts";
import { sharedOptions } from "../../src/cli/shared-options.ts";
import { type ErrorCode, errorTable, PachydermError } from "../../src/core/errors.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { Scratch } from "../../src/redis/scratch.ts";
import { root } from "./source.ts";

const text = readFileSync(join(root, "docs/cli.md"), "utf8");

/** The first cells of a table's rows, and the others. */
function rowsOf(heading: string): string[][] {
  const [, table = ""] =
    new RegExp(`^\\| ${heading} \\|.*\\n\\|[ -|]+\\n((?:\\|.*\\n)+)`, "m").exec(text) ?? [];
  const rows = table.trim().split("\n");
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Commands that do something, with the words before them. */
function leavesOf(list: readonly CliCommand[], before = ""): { usage: string; leaf: Leaf }[] {
  return list.flatMap((command) =>
    "commands" in command
      ? leavesOf(command.commands, `${before}${command.usage} `)
      : [{ usage: `${before}${command.usage}`, leaf: command }],
  );
}

const leaves = leavesOf(commands);
const flagOf = (flags: string): string => flags.split(" ")[0] ?? "";

test("every command and its options", () => {
  const told = rowsOf("command").map(([usage = "", , options = ""]) => [
    usage.replaceAll("`", ""),
    [...options.matchAll(/`(--[\w-]+)`/g)].map(([, flag]) => flag),
  ]);
  expect(told).toEqual(
    leaves.map(({ usage, leaf }) => [usage, leaf.options.map(([flags]) => flagOf(flags))]),
  );
});

test("every option that stands for a variable", () => {
  const told = rowsOf("option").map(([flags, variable]) => `${flags} ${variable}`);
  const shared = [...sharedOptions.nodes, ...sharedOptions.node, ...sharedOptions.redis];
  const own = new Set(shared.map(({ flags, variable }) => `\`${flags}\` \`${variable}\``));
  expect(told.toSorted()).toEqual([...own].sort());
});

test("every code of its own, and whether it may be tried again", () => {
  const told = rowsOf("code").map(([code = "", retryable]) => [code.replaceAll("`", ""), retryable]);
  expect(told).toEqual(
    Object.entries(cliTable).map(([code, facts]) => [code, facts.retryable ? "yes" : "no"]),
  );
});

test("every exit code, and the codes that are refusals", () => {
  const rows = rowsOf("exit code");
  expect(rows.map(([code]) => code)).toEqual([...Object.values(exitCodes).map(String), "130, 143"]);
  const refused = [...(rows[exitCodes.refused]?.[1] ?? "").matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code);
  const codes = Object.keys(errorTable) as ErrorCode[];
  const exits = codes.map((code) => [code, exitCodeOf(tell(new PachydermError(code, "")))] as const);
  expect(exits.flatMap(([code, exit]) => (exit === exitCodes.refused ? [code] : [])).sort()).toEqual(
    refused.sort(),
  );
  for (const code of codes) {
    const unknown = tell(new PachydermError(code, "", { outcome: "unknown" }));
    expect([exitCodeOf(unknown), unknown.advice]).toEqual([
      exitCodes.unknown,
      expect.stringContaining("--key"),
    ]);
  }
});

test("the laws that the doctor leaves out are laws that there are", () => {
  const all = suites({ partitions: 8, isCluster: false } as Scratch, systemClock);
  expect(all.flatMap(({ laws, cannot }) => cannot.filter((name) => !laws.includes(name)))).toEqual([]);
  expect(all.flatMap(({ cannot }) => cannot)).toHaveLength(6);
});
