// The environment of a node program: every variable, what it becomes, and what cannot be is told by its name and never by
// its value.

import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PachydermError, readEnvironment } from "../../src/index.ts";
import { readClusterOptions } from "../../src/node/cluster-options.ts";
import { environmentTable } from "../../src/node/environment/table.ts";
import { readSettings } from "../../src/node/settings.ts";
import { Authority, type Pems } from "../harness/certificates.ts";

let folder = "";
/** What is in the files, and where they are. */
let texts: Pems = { cert: "", key: "", ca: "" };
const pem = { cert: "", key: "", ca: "" };

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pachyderm-environment-"));
  const authority = new Authority("environment");
  texts = authority.issue("DNS:localhost");
  authority.remove();
  for (const part of ["cert", "key", "ca"] as const) pem[part] = await file(`${part}.pem`, texts[part]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** How the reading of these variables fails. */
async function refusal(given: Readonly<Record<string, string>>): Promise<PachydermError> {
  const thrown: unknown = await readEnvironment(given).catch((error: unknown) => error);
  if (thrown instanceof PachydermError) return thrown;
  throw new Error(`${JSON.stringify(given)} was not refused`, { cause: thrown });
}

test("nothing set: the defaults of the table, which a node takes", async () => {
  const { start, http, logLevel, warnings } = await readEnvironment({});
  expect(start).toEqual({
    redis: "redis://127.0.0.1:6379",
    network: "main",
    partitions: 32,
    cluster: { host: "127.0.0.1", port: 7946, leaseMs: 5_000, http: "127.0.0.1:8080" },
  });
  expect(http).toEqual({ host: "127.0.0.1", port: 8080, token: [] });
  expect([logLevel, warnings]).toEqual(["info", []]);
  // They are those of the options too: who sets nothing gets the same in a program of his own.
  const { host, port, leaseMs } = readClusterOptions({});
  expect(start.cluster).toMatchObject({ host, port, leaseMs });
  const { network, partitions } = readSettings({});
  expect(start).toMatchObject({ network, partitions });
});

test("every variable of the table reaches what it is for", async () => {
  const module = await file(
    "definitions.mjs",
    `import { defineEffect, defineEntity } from ${JSON.stringify(import.meta.resolve("pachyderm"))};
     const spec = { init: () => 0, handle: () => [], update: () => 0 };
     export const one = defineEntity({ ...spec, type: "one" });
     export const again = one;
     export const note = defineEffect({ name: "note", dispatch: () => {} });
     export const neither = 7;`,
  );
  const given: Record<keyof typeof environmentTable, string> = {
    PACHYDERM_REDIS_URL: "rediss://who:pass%21@redis:6380/3",
    PACHYDERM_REDIS_SENTINELS: "one:26379,[::1]:26380",
    PACHYDERM_REDIS_MASTER: "mymaster",
    PACHYDERM_NETWORK: "shop",
    PACHYDERM_PARTITIONS: "8",
    PACHYDERM_HOST: "0.0.0.0",
    PACHYDERM_PORT: "0",
    PACHYDERM_ADVERTISE: "node7:7946",
    PACHYDERM_HTTP_HOST: "0.0.0.0",
    PACHYDERM_HTTP_PORT: "80",
    PACHYDERM_HTTP_TOKEN: "one, two",
    PACHYDERM_SECRET: "old-secret,new-secret",
    PACHYDERM_TLS_CERT: pem.cert,
    PACHYDERM_TLS_KEY: pem.key,
    PACHYDERM_TLS_CA: pem.ca,
    PACHYDERM_LEASE_MS: "2000",
    PACHYDERM_ENTITIES: module,
    PACHYDERM_URL: "http://of.the.command.line:8080", // and of nothing here
    PACHYDERM_LOG_LEVEL: "debug",
  };
  expect(Object.keys(given)).toEqual(Object.keys(environmentTable));
  const { start, http, logLevel, warnings } = await readEnvironment(given);
  const { entities = [], effects = [], ...others } = start;
  expect(others).toEqual({
    redis: {
      sentinels: [
        { host: "one", port: 26379 },
        { host: "::1", port: 26380 },
      ],
      name: "mymaster",
      username: "who",
      password: "pass!",
      db: 3,
      tls: {},
    },
    network: "shop",
    partitions: 8,
    cluster: {
      host: "0.0.0.0",
      port: 0,
      advertise: "node7:7946",
      secret: ["old-secret", "new-secret"],
      tls: texts,
      leaseMs: 2000,
      http: "node7:80",
    },
  });
  expect(entities.map(({ type }) => type)).toEqual(["one"]);
  expect(effects).toHaveLength(1);
  expect(http).toEqual({ host: "0.0.0.0", port: 80, token: ["one", "two"] });
  expect([logLevel, warnings]).toEqual(["debug", []]);
  expect(() => readClusterOptions(start.cluster ?? {})).not.toThrow();
});

test("a file: URL names a module too, and a Redis Cluster is several URLs", async () => {
  const path = await file(
    "effects.mjs",
    `import { defineEffect } from ${JSON.stringify(import.meta.resolve("pachyderm"))};
     export const note = defineEffect({ name: "note", dispatch: () => {} });`,
  );
  const { start } = await readEnvironment({
    PACHYDERM_ENTITIES: pathToFileURL(path).href,
    PACHYDERM_REDIS_URL: "redis://one:6379, redis://two:6379",
  });
  expect(start.effects).toHaveLength(1);
  expect(start.redis).toBe("redis://one:6379,redis://two:6379");
});

test("an empty variable is one that is not set", async () => {
  const empty = Object.fromEntries(Object.keys(environmentTable).map((name) => [name, ""]));
  expect(await readEnvironment(empty)).toEqual(await readEnvironment({}));
});

test("a port that the system chooses is not told to others, an IPv6 address is in brackets", async () => {
  const chosen = await readEnvironment({ PACHYDERM_HTTP_PORT: "0" });
  expect(chosen.start.cluster).not.toHaveProperty("http");
  const six = await readEnvironment({ PACHYDERM_HTTP_HOST: "::1" });
  expect(six.start.cluster).toHaveProperty("http", "[::1]:8080");
});

const secret = "s3cr3t-that-nobody-reads";

test.each([
  ["PACHYDERM_REDIS_URL", { PACHYDERM_REDIS_URL: `http://:${secret}@redis` }],
  ["PACHYDERM_REDIS_URL", { PACHYDERM_REDIS_URL: `redis://one,${secret}` }],
  ["PACHYDERM_REDIS_URL", { PACHYDERM_REDIS_URL: "redis://one," }],
  ["PACHYDERM_REDIS_MASTER", { PACHYDERM_REDIS_MASTER: secret }],
  ["PACHYDERM_REDIS_MASTER", { PACHYDERM_REDIS_SENTINELS: "one:26379" }],
  ["PACHYDERM_REDIS_SENTINELS", { PACHYDERM_REDIS_SENTINELS: secret, PACHYDERM_REDIS_MASTER: "m" }],
  [
    "PACHYDERM_REDIS_URL",
    {
      PACHYDERM_REDIS_SENTINELS: "one:26379",
      PACHYDERM_REDIS_MASTER: "m",
      PACHYDERM_REDIS_URL: "redis://one,redis://two",
    },
  ],
  ["PACHYDERM_NETWORK", { PACHYDERM_NETWORK: `${secret} {x}` }],
  ["PACHYDERM_PARTITIONS", { PACHYDERM_PARTITIONS: "0" }],
  ["PACHYDERM_PARTITIONS", { PACHYDERM_PARTITIONS: "1025" }],
  ["PACHYDERM_PARTITIONS", { PACHYDERM_PARTITIONS: "1e2" }],
  ["PACHYDERM_PORT", { PACHYDERM_PORT: "tcp://10.0.0.1:7946" }],
  ["PACHYDERM_ADVERTISE", { PACHYDERM_HOST: "0.0.0.0" }],
  ["PACHYDERM_ADVERTISE", { PACHYDERM_HOST: "::" }],
  ["PACHYDERM_ADVERTISE", { PACHYDERM_ADVERTISE: "node1" }],
  ["PACHYDERM_ADVERTISE", { PACHYDERM_ADVERTISE: "node1:0" }],
  ["PACHYDERM_HTTP_PORT", { PACHYDERM_HTTP_PORT: "65536" }],
  ["PACHYDERM_HTTP_TOKEN", { PACHYDERM_HTTP_TOKEN: `${secret} with spaces` }],
  ["PACHYDERM_HTTP_TOKEN", { PACHYDERM_HTTP_TOKEN: `${secret},` }],
  ["PACHYDERM_SECRET", { PACHYDERM_SECRET: "s3cr3t-" }],
  ["PACHYDERM_SECRET", { PACHYDERM_SECRET: `${secret},${secret},${secret}` }],
  ["PACHYDERM_TLS_KEY", { PACHYDERM_TLS_CERT: secret }],
  ["PACHYDERM_TLS_CERT", { PACHYDERM_TLS_CERT: secret, PACHYDERM_TLS_KEY: secret, PACHYDERM_TLS_CA: secret }],
  ["PACHYDERM_LEASE_MS", { PACHYDERM_LEASE_MS: "499" }],
  ["PACHYDERM_LEASE_MS", { PACHYDERM_LEASE_MS: "600001" }],
  ["PACHYDERM_LOG_LEVEL", { PACHYDERM_LOG_LEVEL: "loud" }],
] as const)("%s: what cannot be is refused (%#)", async (name, given) => {
  const error = await refusal(given);
  expect(error).toMatchObject({ code: "INVALID_OPTIONS", detail: { variable: name } });
  expect(error.message).toMatch(new RegExp(`^${name} `));
  expect(`${error.message} ${JSON.stringify(error.detail)}`).not.toContain(secret);
});

test("a certificate that is no PEM is refused, and so is a module that has nothing to host", async () => {
  const noPem = await file("no.pem", secret);
  const tls = { PACHYDERM_TLS_CERT: pem.cert, PACHYDERM_TLS_KEY: noPem, PACHYDERM_TLS_CA: pem.ca };
  expect(await refusal(tls)).toMatchObject({ detail: { variable: "PACHYDERM_TLS_KEY" } });
  const nothing = await file("nothing.mjs", "export const one = 1;");
  expect((await refusal({ PACHYDERM_ENTITIES: nothing })).message).toContain("exports nothing made by");
  const broken = await file("broken.mjs", 'throw new Error("it does not load");');
  expect((await refusal({ PACHYDERM_ENTITIES: broken })).message).toContain("it does not load");
  expect((await refusal({ PACHYDERM_ENTITIES: join(folder, "none.mjs") })).message).toContain(
    "cannot be imported",
  );
});

test("the development secret, and variables that mean nothing, are warned of", async () => {
  const { warnings } = await readEnvironment({
    PACHYDERM_SECRET: "development-secret",
    PACHYDERM_SECRETS: secret,
    PATH: "/bin",
  });
  expect(warnings).toEqual([
    expect.stringContaining("PACHYDERM_SECRET is the development default"),
    "these variables mean nothing here: PACHYDERM_SECRETS",
  ]);
});

test("docker-compose.yml gives the very secret that is warned of", async () => {
  const compose = readFileSync(new URL("../../docker-compose.yml", import.meta.url), "utf8");
  const [, fallback = ""] = /PACHYDERM_SECRET: \$\{PACHYDERM_SECRET:-(.*)\}/.exec(compose) ?? [];
  const { warnings } = await readEnvironment({ PACHYDERM_SECRET: fallback });
  expect(warnings).toHaveLength(1);
  const named = [...compose.matchAll(/^ +(PACHYDERM_\w+):/gm)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((name) => !(name in environmentTable))).toEqual([]);
});
