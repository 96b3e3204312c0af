// The rules of the house, each a pure function of the source, so that a planted violation can prove it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Rule, SourceFile } from "./source.ts";
import { root } from "./source.ts";

const floors: Readonly<Record<string, number>> = {
  core: 0,
  ports: 1,
  engine: 2,
  memory: 2,
  redis: 2,
  wire: 2,
  laws: 2,
  node: 3,
  http: 4,
  dashboard: 4,
  testing: 4,
  cli: 5,
  "index.ts": 5,
};

/** The folder of src/ that a file is in; of the entrance its own name. */
function roomOf(path: string): string {
  return path.split("/")[0] ?? path;
}

/** Imports, type imports included, point down; rooms of one floor do not see each other. */
export const importsPointDown: Rule = (files) =>
  files.flatMap(({ path, imports }) => {
    const floor = floors[roomOf(path)];
    if (floor === undefined) return [`${path} is in no room of the house`];
    return imports.flatMap(({ target, ours }) => {
      if (!ours || roomOf(target) === roomOf(path)) return [];
      const below = floors[roomOf(target)];
      return below !== undefined && below < floor ? [] : [`${path} imports ${target}, which is not below it`];
    });
  });

/** No file reaches itself by its imports, type imports included. */
export const noCircles: Rule = (files) => {
  const open = new Set<string>();
  const done = new Set<string>();
  const found: string[] = [];
  const byPath = new Map(files.map((file) => [file.path, file]));
  const visit = (path: string) => {
    if (done.has(path)) return;
    if (open.has(path)) {
      const way = [...open];
      found.push([...way.slice(way.indexOf(path)), path].join(" -> "));
      return;
    }
    open.add(path);
    for (const { target, ours } of byPath.get(path)?.imports ?? []) if (ours) visit(target);
    open.delete(path);
    done.add(path);
  };
  for (const { path } of files) visit(path);
  return found;
};

const coreMay: Readonly<Record<string, "value" | "type">> = {
  uuid: "value",
  "@standard-schema/spec": "type",
};

/** core/: words and pure functions. */
export const coreIsPure: Rule = (files) =>
  inRoom(files, "core").flatMap(({ path, code, imports }) => [
    ...imports.flatMap(({ target, ours, typeOnly }) => {
      if (ours || coreMay[target] === "value" || (coreMay[target] === "type" && typeOnly)) return [];
      return [
        `${path} imports ${target}: core knows nothing outside but ${Object.keys(coreMay).join(" and ")}`,
      ];
    }),
    ...(/\b(?:await|async)\b/.test(code) ? [`${path} awaits: core is pure functions`] : []),
  ]);

const redisPackages = new Set(["ioredis", "redlock", "bullmq", "cluster-key-slot"]);

/** Only redis/ knows how Redis is spoken to. */
export const onlyRedisKnowsRedis: Rule = (files) =>
  files
    .filter(({ path }) => roomOf(path) !== "redis")
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => redisPackages.has(target))
        .map(({ target }) => `${path} imports ${target}`),
    );

const cliPackages = new Set(["commander", "cli-table3", "picocolors"]);

/** Only cli/ speaks to whoever types: the rest of the package writes nothing to a terminal. */
export const onlyCliSpeaksToTerminals: Rule = (files) =>
  files
    .filter(({ path }) => roomOf(path) !== "cli")
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => cliPackages.has(target))
        .map(({ target }) => `${path} imports ${target}`),
    );

/** Laws run anywhere: in any test runner, and from the command line. */
export const lawsUseAssertOnly: Rule = (files) =>
  inRoom(files, "laws").flatMap(({ path, imports }) =>
    imports
      .filter(({ target, ours }) => !ours && !target.startsWith("node:"))
      .map(({ target }) => `${path} imports ${target}: laws use node:assert only`),
  );

/** What the package imports is what its users get installed; types count, for the .d.ts files name them. */
export const importsAreDependencies: Rule = (files) => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return files.flatMap(({ path, imports }) =>
    imports
      .filter(
        ({ target, ours }) => !ours && !target.startsWith("node:") && !(target in manifest.dependencies),
      )
      .map(({ target }) => `${path} imports ${target}, which is not among the dependencies`),
  );
};

/** One file reads the environment. */
export const oneReaderOfTheEnvironment: Rule = (files) => {
  const readers = files.filter(({ code }) => /\bprocess\.env\b/.test(code)).map(({ path }) => path);
  return readers.length > 1 ? [`the environment is read in ${readers.join(" and ")}`] : [];
};

/** Who may read a clock, and why. */
const clocks: Readonly<Record<string, string>> = {
  "node/clock.ts": "the process's own clock, which the engine knows by its port",
  "memory/memory-log.ts": "the clock of a store: where Redis would tell its time, memory tells its own",
};

/** One file reads the process's clock; time comes to all others by the port, or from the store. */
export const oneReaderOfTheClock: Rule = (files) =>
  files
    .filter(({ path }) => !(path in clocks))
    .filter(({ code }) =>
      /\bDate\.now\b|\bperformance\b|\bnew Date\(\s*\)|\bhrtime\b|\bDate\(\s*\)/.test(code),
    )
    .map(({ path }) => `${path} reads a clock`);

const entrances = new Set(["index.ts", "http/index.ts", "testing/index.ts"]);

/** No barrels, and no drawer for what has no name yet. */
export const namesSaySomething: Rule = (files) =>
  files.flatMap(({ path }) => {
    if (path.endsWith("index.ts") && !entrances.has(path)) return [`${path} is a barrel`];
    const vague = /(?:^|\/)(utils?|common|helpers?|types|manager|impl|misc)(?:\.ts$|\/)/.exec(path)?.[1];
    return vague === undefined ? [] : [`${path}: ${vague} is no name`];
  });

/** Ports that need no twin, and what implements them instead. */
const withoutTwin: Readonly<Record<string, string>> = {
  "clock.ts": "node/clock.ts: a process has one",
  "meter.ts": "http/metrics.ts: whoever measures",
};

/** Where the twin that is not memory's is; redis/, but for what goes from node to node. */
const outside: Readonly<Record<string, string>> = { "transport.ts": "wire" };

/** A port has a twin of the same name in every backend, and its laws. */
export const portsHaveTwins: Rule = (files) => {
  const paths = new Set(files.map(({ path }) => path));
  return inRoom(files, "ports").flatMap(({ path }) => {
    const name = path.slice("ports/".length);
    if (name in withoutTwin) return [];
    return ["memory", outside[name] ?? "redis", "laws"]
      .map((room) => `${room}/${name}`)
      .filter((twin) => !paths.has(twin))
      .map((twin) => `${path} has no twin ${twin}`);
  });
};

function inRoom(files: readonly SourceFile[], room: string): readonly SourceFile[] {
  return files.filter(({ path }) => roomOf(path) === room);
}
