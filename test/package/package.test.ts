// The package as its users get it: packed, installed in an empty folder, compiled against, run. Tests the build that
// is there (./scripts/test and `npm test` make one first).

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scriptRedis } from "../../scripts/nodes/redis.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const tsc = join(root, "node_modules/.bin/tsc");
let folder = "";

beforeAll(async () => {
  if (!existsSync(join(root, "dist/index.js"))) throw new Error("there is no build to pack: npm run build");
  folder = await mkdtemp(join(tmpdir(), "pachyderm-package-"));
  // Without scripts: packing would build again, under the feet of other tests that run the build.
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: root });
  const [packed = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, packed)], {
    cwd: folder,
  });
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const compilerOptions = {
  module: "nodenext",
  target: "es2023",
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false, // the published types themselves must be whole
  types: ["node"],
  typeRoots: [join(root, "node_modules/@types")],
};

/** All examples of the README, in their order. */
async function examples(): Promise<readonly string[]> {
  const readme = await readFile(join(root, "README.md"), "utf8");
  return Array.from(readme.matchAll(/```ts\n([\s\S]*?)```/g), ([, code = ""]) => code);
}

/** The first example of the README. */
async function example(): Promise<string> {
  const [first] = await examples();
  if (first === undefined) throw new Error("README.md has no example");
  return first;
}

/** Compiles a program in the folder as a user does, and runs it. */
async function compileAndRun(name: string, program: string): Promise<string> {
  await mkdir(join(folder, name));
  await writeFile(join(folder, name, "main.ts"), program);
  await writeFile(join(folder, name, "tsconfig.json"), JSON.stringify({ extends: "../tsconfig.json" }));
  await run(tsc, ["-p", "."], { cwd: join(folder, name) });
  const { stdout } = await run(process.execPath, [join(folder, name, "main.js")], { cwd: folder });
  return stdout;
}

function linesOf(output: string): string[] {
  return output.trim().split("\n").sort();
}

const printed = ["count 10 at version 2", "mail: the counter reached 10"];

test("the README's first example compiles strictly and runs in memory", async () => {
  const output = await compileAndRun("embedded", await example());
  expect(linesOf(output)).toEqual(printed);
  const readme = await readFile(join(root, "README.md"), "utf8");
  for (const line of printed) expect(readme).toContain(`\`${line}\``);
}, 60_000);

test("the same example on Redis: the Lua files are in the package", async () => {
  const redis = await scriptRedis();
  const network = `readme-${randomBytes(6).toString("hex")}`;
  try {
    const onRedis = (await example()).replace(
      /^ {2}\/\/ redis: .*$/m,
      `  redis: "${redis.url}", network: "${network}",`,
    );
    expect(onRedis).toContain(network);
    expect(linesOf(await compileAndRun("redis", onRedis))).toEqual(printed);
  } finally {
    await redis.tidy(network);
  }
}, 60_000);

test("the README's other examples compile strictly and run", async () => {
  const [first = "", second = "", third = "", ...more] = await examples();
  expect(more).toEqual([]); // an example that is added is run here, too
  expect(linesOf(await compileAndRun("others", second))).toEqual([
    "audit: 1 ordered",
    "audit: 2 taken",
    "seen: 2 taken",
    "waiting: patience",
    "was: ordered",
  ]);
  expect(third).toContain("given(counter"); // it is about the entity of the first one
  expect(linesOf(await compileAndRun("given", `${first}${third}`))).toEqual(printed);
  const wrong = third.replace("count: 10 }", "count: 11 }");
  await expect(compileAndRun("given-wrong", `${first}${wrong}`)).rejects.toThrow("state not as expected");
}, 60_000);

test("the entrance ./testing compiles and runs, on what the entrance . defines", async () => {
  const output = await compileAndRun(
    "testing",
    `import { defineEntity } from "pachyderm";
     import { given } from "pachyderm/testing";
     const flag = defineEntity({
       type: "flag",
       init: () => ({ up: false }),
       handle: (message: { type: "raise" }) => [{ type: "raised" as const }],
       update: (event: { type: "raised" }, state) => ({ up: true }),
     });
     given(flag).when({ type: "raise" }).then({ state: { up: true } });
     try {
       given(flag).when({ type: "raise" }).then({ state: { up: false } });
     } catch (thrown) {
       if (thrown instanceof Error) console.log(thrown.message.split("\\n")[0]);
     }`,
  );
  expect(linesOf(output)).toEqual(["flag, when raise: state not as expected"]);
}, 60_000);

test("types reach the user: a wrong message does not compile", async () => {
  const wrong = (await example()).replace('{ type: "increment", amount: 4 }', '{ type: "decrement" }');
  await expect(compileAndRun("wrong", wrong)).rejects.toMatchObject({
    stdout: expect.stringContaining('"decrement"'),
  });
}, 60_000);

test("the command line is installed, and knows its version", async () => {
  const { stdout } = await run(join(folder, "node_modules/.bin/pachyderm"), ["--version"], { cwd: folder });
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  expect(stdout).toBe(`${version}\n`);
});

test("the package holds what it must, and no source or test", async () => {
  const installed = join(folder, "node_modules/pachyderm");
  const files = (await readdir(installed, { recursive: true })).map((name) => name.replaceAll("\\", "/"));
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md", "dist/index.d.ts", "dist/testing/index.d.ts"]) {
    expect(files).toContain(name);
  }
  const sources = await readdir(join(root, "src"), { recursive: true });
  for (const lua of sources.filter((name) => name.endsWith(".lua"))) expect(files).toContain(`dist/${lua}`);
  expect(files.filter((name) => /^(?:src|test|scripts|cluster|bench)/.test(name))).toEqual([]);
});
