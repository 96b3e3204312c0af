// What the documents and the comments name is there: files, links, tests, laws, signals, defaults.

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { signalNames } from "../../src/core/signals.ts";
import { readSettings } from "../../src/node/settings.ts";
import { root } from "./source.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const documents = ["README.md", "CHANGELOG.md", ...globSync("docs/**/*.md", { cwd: root }).sort()];
const sources = globSync("src/**/*.{ts,lua}", { cwd: root }).sort();

/** A file of ours by what a text calls it: from the top, from src/, or by its bare name. */
function isThere(name: string): boolean {
  if (existsSync(join(root, name)) || existsSync(join(root, "src", name))) return true;
  return !name.includes("/") && sources.some((path) => path.endsWith(`/${name}`));
}

test.each(documents)("%s: every link leads somewhere", (path) => {
  const links = [...read(path).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = ""]) => link);
  expect(links.filter((link) => !existsSync(join(root, dirname(path), link)))).toEqual([]);
});

test("every file that a document names is there", () => {
  const named = documents.flatMap((path) =>
    [...read(path).matchAll(/[\w./-]*\w\.(?:ts|lua)\b/g)].map(([name]) => ({ path, name })),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ name }) => !isThere(name))).toEqual([]);
});

test("every file that a comment of the source names is there", () => {
  const named = sources.flatMap((path) =>
    [...read(path).matchAll(/(?:\/\/|\*|--) .*$/gm)].flatMap(([comment]) =>
      [...comment.replace(/https?:\S+/g, "").matchAll(/[\w/-]+\.(?:ts|lua|md)\b/g)].map(([name]) => ({
        path,
        name,
      })),
    ),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ name }) => !isThere(name))).toEqual([]);
});

/** `engine/keys` for test/engine/keys.test.ts; the names in italics behind it, for tests in it or laws. */
test("docs/guarantees.md names tests and laws that there are", () => {
  const text = read("docs/guarantees.md");
  const files = [...text.matchAll(/`((?:engine|faults|redis|wire|harness)\/[\w-]+)`/g)].map(
    ([, name = ""]) => name,
  );
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((name) => globSync(`test/${name}{.test,}.ts`, { cwd: root }).length === 0)).toEqual([]);
  const all = globSync(["test/**/*.ts", "src/laws/**/*.ts"], { cwd: root }).map(read).join("\n");
  const names = [...text.matchAll(/[^*]\*([a-z][^*]+)\*[^*]/g)].map(([, name = ""]) =>
    name.replaceAll("\n", " "),
  );
  const quoted = names.filter((name) => name.split(" ").length > 2);
  expect(quoted.length).toBeGreaterThan(8);
  expect(quoted.filter((name) => !name.split(" …").every((part) => all.includes(part.trim())))).toEqual([]);
});

test("docs/operations.md tells every signal, and no other", () => {
  const [, table = ""] = /^\| signal .*\n\|[ -|]+\n((?:\|.*\n?)+)/m.exec(read("docs/operations.md")) ?? [];
  const told = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(told).toEqual([...signalNames]);
});

/** Of `1,024`, `24 hours`, `1 MiB`, `"main"`, `true`. */
function parsed(told: string): unknown {
  const [, number = "", unit = ""] = /^([\d,]+)(?: (hours|MiB))?$/.exec(told) ?? [];
  if (number === "") return JSON.parse(told);
  const times = { hours: 3_600_000, MiB: 1_048_576 }[unit] ?? 1;
  return Number(number.replaceAll(",", "")) * times;
}

test("every option of start tells its default, and it is the default", () => {
  const options =
    /export interface StartOptions \{\n([\s\S]*?)\n\}/.exec(read("src/node/settings.ts"))?.[1] ?? "";
  const told = [...options.matchAll(/\/\*\*([\s\S]*?)\*\/\s+readonly (\w+)\?/g)].flatMap(
    ([, doc = "", name = ""]) => {
      const value = / Default (`[^`]+`|[^.]+)\./.exec(doc)?.[1]?.replaceAll("`", "");
      return value === undefined || value === "undefined" ? [] : [[name, parsed(value)] as const];
    },
  );
  const { entities: _, effects: __, ...defaults } = readSettings({});
  expect(Object.fromEntries(told)).toEqual(defaults);
});

test("every export that users see tells what it is", () => {
  const entrances = ["src/index.ts", "src/http/index.ts", "src/testing/index.ts"];
  const exported = entrances.flatMap((entrance) =>
    [...read(entrance).matchAll(/export (?:type )?\{([^}]*)\} from "([^"]+)"/g)].flatMap(
      ([, list = "", from = ""]) =>
        list
          .split(",")
          .map((name) => name.trim().replace(/^type /, ""))
          .filter((name) => name !== "")
          .map((name) => ({ name, path: join(dirname(entrance), from) })),
    ),
  );
  const silent = exported.filter(({ name, path }) => {
    const declared = new RegExp(
      `\\*/\\nexport (?:interface|type|class|const|(?:async )?function) ${name}\\b`,
    );
    return !declared.test(read(path));
  });
  expect(exported.length).toBeGreaterThan(25);
  expect(silent).toEqual([]);
});

const ordinals = ["First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth"];

test("the steps of a send are those of docs/send.md, and each file names its own", () => {
  const steps = [...read("docs/send.md").matchAll(/ (\d) {2}(engine\/[\w-]+\.ts) /g)].map(([, n, path]) => [
    Number(n),
    path,
  ]);
  expect(steps.map(([n]) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const claimed = sources.flatMap((path) =>
    [...read(path).matchAll(/(\w+)(?: and last)? step of a send/g)].map(([, ordinal = ""]) => [
      ordinals.indexOf(ordinal) + 1,
      path.replace("src/", ""),
    ]),
  );
  expect(claimed.toSorted(([a], [b]) => Number(a) - Number(b))).toEqual(steps);
});
