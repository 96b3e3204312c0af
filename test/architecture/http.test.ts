// docs/http.md and docs/operations.md say what the code does: statuses, metrics, variables. Both ways.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Metrics } from "../../src/http/index.ts";
import { doorTable, statusOf } from "../../src/http/problem.ts";
import { environmentTable } from "../../src/node/environment/table.ts";
import { root } from "./source.ts";

const http = readFileSync(join(root, "docs/http.md"), "utf8");
const operations = readFileSync(join(root, "docs/operations.md"), "utf8");

/** The cells of the table under this heading row. */
function tableOf(markdown: string, heading: string): readonly (readonly string[])[] {
  const [, body = ""] = markdown.split(`${heading}\n`);
  const rows = /^\|[ -|]+\|\n((?:\|.*\|\n)*)/.exec(body)?.[1] ?? "";
  return rows
    .trimEnd()
    .split("\n")
    .map((row) => row.slice(2, -2).split(" | "));
}

function bare(text = ""): string {
  return text.replaceAll("`", "");
}

test("every code has the status that docs/http.md tells", () => {
  const told = tableOf(http, "| status | codes |").flatMap(([status, codes = ""]) =>
    bare(codes)
      .split(" ")
      .map((code) => [code, Number(status)]),
  );
  expect(told).toEqual(Object.entries(statusOf));
});

test("the door's own codes are those of docs/http.md", () => {
  const told = tableOf(http, "| code | status | meaning |").map(([code, status, meaning]) => [
    bare(code),
    { status: Number(status), meaning },
  ]);
  expect(told).toEqual(Object.entries(doorTable));
});

test("the metrics are those of docs/http.md", async () => {
  const text = await new Metrics().text();
  const helps = [...text.matchAll(/^# HELP (pachyderm_\w+) (.*)$/gm)].map(([, name, help]) => [name, help]);
  const told = tableOf(http, "| metric | counts |").map(([name, help]) => [bare(name), help]);
  expect(helps.length).toBeGreaterThan(10);
  expect(told).toEqual(helps);
});

test("docs/operations.md tells of every metric, and of no other", async () => {
  const text = await new Metrics().text();
  const names = [...text.matchAll(/^# TYPE (pachyderm_\w+) /gm)].map(([, name]) => name);
  const told = tableOf(operations, "| metric | tells | look when |").map(([name]) => bare(name));
  expect(told.filter((name) => name.startsWith("pachyderm_"))).toEqual(names);
  // What is not ours is Node's, and there.
  for (const name of told) expect(text).toContain(`# TYPE ${name} `);
  for (const [, name = ""] of operations.matchAll(/`((?:pachyderm|nodejs|process)_\w+)`/g))
    expect(text).toContain(`# TYPE ${name} `);
});

test("the variables are those of docs/operations.md", () => {
  const told = tableOf(operations, "| variable | default | meaning |").map(([name, fallback, meaning]) => [
    bare(name),
    { fallback: fallback === "" ? null : bare(fallback), meaning },
  ]);
  expect(told).toEqual(Object.entries(environmentTable));
});
