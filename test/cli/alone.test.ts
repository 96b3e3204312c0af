// The command line where something is missing, wrong or broken, and where it is interrupted.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { Cli, documentOf, entitiesFile, errorOf, runCli } from "../harness/cli.ts";
import { freePort } from "../harness/free-port.ts";
import { RedisServer } from "../harness/redis-server.ts";

const message = '{"type":"add"}';
let door: Server | undefined;

afterEach(() => {
  door?.closeAllConnections();
  door?.close();
  door = undefined;
});

/** An HTTP door that does as it likes; its address. */
async function openDoor(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(answer ?? (() => {}));
  door = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each<readonly [string, readonly string[]]>([
  ["no command", []],
  ["a command that there is not", ["dance"]],
  ["an argument that is missing", ["send", "tally"]],
  ["one too many", ["get", "tally", newId(), "more"]],
  ["an option that there is not", ["get", "tally", newId(), "--dance"]],
  ["an option without its value", ["get", "tally", newId(), "--json", "--query"]],
  ["a message that is not JSON", ["send", "tally", newId(), "{"]],
  ["a message without a type", ["send", "tally", newId(), "{}"]],
  ["a number that is none", ["send", "tally", newId(), message, "--timeout", "soon"]],
  ["an address that is none", ["get", "tally", newId(), "--url", "nowhere"]],
  ["a Redis address that is none", ["get", "tally", newId(), "--redis", "nowhere"]],
  ["a network name that is none", ["cluster", "--network", "A B"]],
  ["a node without entities", ["start"]],
  ["a module that is not there", ["start", "--entities", "./not-there.ts"]],
])("%s is wrong usage: code 2, and a sentence", async (_, words) => {
  const told = errorOf(await runCli(words.includes("--json") ? words : [...words, "--json"]));
  expect(told.exit).toBe(2);
  expect(["USAGE", "INVALID_OPTIONS"]).toContain(told.code);
  expect(String(told.error["message"]).length).toBeGreaterThan(10);
});

test("what is wrong is told of what was given: the option, or the variable that it stands for", async () => {
  const start = ["start", "--entities", entitiesFile, "--json"];
  const byOption = errorOf(await runCli([...start, "--port", "abc"], { PACHYDERM_PORT: "7946" }));
  const byVariable = errorOf(await runCli(start, { PACHYDERM_PORT: "abc" }));
  expect([byOption, byVariable].map(({ error }) => error["message"])).toEqual([
    "--port is a whole number from 0 to 65535",
    "PACHYDERM_PORT is a whole number from 0 to 65535",
  ]);
  expect([byOption.exit, byVariable.exit]).toEqual([2, 2]);
});

test("help and version go to standard output", async () => {
  const help = await runCli(["--help"]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  for (const name of ["start", "send", "get", "events", "timers", "cluster", "doctor"])
    expect(help.stdout).toContain(name);
  expect((await runCli(["send", "--help"])).stdout).toContain("--key <key>");
  expect((await runCli(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("no Redis, or no door: not committed, to be tried again, code 4", async () => {
  const port = await freePort();
  const redis = await runCli([
    "send",
    "tally",
    newId(),
    message,
    "--redis",
    `redis://127.0.0.1:${port}`,
    "--json",
  ]);
  expect(errorOf(redis)).toMatchObject({ exit: 4, code: "STORE_UNAVAILABLE", outcome: "not-committed" });
  const http = await runCli([
    "send",
    "tally",
    newId(),
    message,
    "--url",
    `http://127.0.0.1:${port}`,
    "--json",
  ]);
  expect(errorOf(http)).toMatchObject({ exit: 4, code: "UNREACHABLE", outcome: "not-committed" });
  // A port that is nobody's to dial.
  const kept = await runCli(["send", "tally", newId(), message, "--url", "http://127.0.0.1:9", "--json"]);
  expect(errorOf(kept)).toMatchObject({ exit: 4, code: "UNREACHABLE", outcome: "not-committed" });
  const doctor = await runCli(["doctor", "--redis", `redis://127.0.0.1:${port}`]);
  expect(doctor).toMatchObject({ code: 1, stdout: expect.stringContaining("nothing could be looked at") });
});

test("a connection that breaks after the message was sent: nobody knows, code 5", async () => {
  const url = await openDoor((request) => request.socket.destroy());
  const sent = await runCli(["send", "tally", newId(), message, "--url", url, "--json"]);
  expect(errorOf(sent)).toMatchObject({ exit: 5, code: "UNREACHABLE", outcome: "unknown" });
  const got = await runCli(["get", "tally", newId(), "--url", url, "--json"]);
  expect(errorOf(got)).toMatchObject({ exit: 4, outcome: "not-committed" });
});

test("an answer that does not come, or is somebody else's: nobody knows, code 5", async () => {
  const silent = await openDoor(() => {});
  const words = ["send", "tally", newId(), message, "--json", "--url"];
  const hasty = errorOf(await runCli([...words, silent, "--timeout", "200"]));
  expect(hasty).toMatchObject({ exit: 5, code: "DEADLINE_EXCEEDED" });
  door?.closeAllConnections();
  door?.close();
  const strange = await openDoor((_, response) => response.writeHead(502).end("<html>"));
  expect(errorOf(await runCli([...words, strange]))).toMatchObject({ exit: 5, code: "BAD_ANSWER" });
});

test("SIGINT while a message is on its way: nobody knows, code 130; a second one is not needed", async () => {
  const arrived = Promise.withResolvers<void>();
  const url = await openDoor(() => arrived.resolve());
  const cli = new Cli(["send", "tally", newId(), message, "--url", url, "--json"]);
  await arrived.promise;
  cli.signal("SIGINT");
  expect(errorOf(await cli.ended())).toMatchObject({ exit: 130, code: "INTERRUPTED", outcome: "unknown" });
});

test("doctor: a Redis that is as it should be keeps all laws, and nothing is left behind", async () => {
  const server = await RedisServer.start();
  try {
    await server.ask((client) => client.set("{doctor}:not:ours", "stays"));
    const end = await new Cli(["doctor", "--redis", server.url, "--json"]).ended(110_000);
    const { ok, checks } = documentOf(end) as {
      ok: boolean;
      checks: { check: string; status: string; found: string }[];
    };
    // How fast its commits are is a warning at most, and the machine's affair.
    const bad = checks.filter(({ check, status }) => status !== "ok" && check !== "commit");
    expect({ ok, bad }).toEqual({ ok: true, bad: [] });
    const found = Object.fromEntries(checks.map(({ check, found: what }) => [check, what]));
    expect(found["laws of the event store"]).toMatch(/^\d{2,3} kept$/);
    expect(found["laws of the membership"]).toMatch(/^\d+ kept, 2 left out$/);
    expect(found["laws of the leases"]).toMatch(/^\d+ kept, 2 left out$/);
    expect(found["laws of the log"]).toMatch(/^\d+ kept, 2 left out$/);
    for (const port of ["cursors", "timers", "views", "jobs"])
      expect(found[`laws of the ${port}`]).toMatch(/^\d+ kept$/);
    expect(await server.ask((client) => client.keys("*"))).toEqual(["{doctor}:not:ours"]);
  } finally {
    await server.stop();
  }
}, 120_000);

test("doctor: what is wrong is told with what to change, and by the exit code", async () => {
  const config = {
    "maxmemory-policy": "allkeys-lru",
    maxmemory: "100mb",
    appendonly: "no",
    "stream-node-max-bytes": "4096",
  };
  const server = await RedisServer.start({ config });
  try {
    const { code, stdout } = await runCli(["doctor", "--redis", server.url, "--json"]);
    const { ok, checks } = JSON.parse(stdout) as {
      ok: boolean;
      checks: { check: string; status: string; change: string | null }[];
    };
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    const status = Object.fromEntries(checks.map((check) => [check.check, check.status]));
    expect(status).toMatchObject({
      version: "ok",
      "maxmemory-policy": "fail",
      appendonly: "warn",
      "stream-node-max-bytes": "warn",
    });
    for (const check of checks) expect(check.change !== null, check.check).toBe(check.status !== "ok");
    const people = await runCli(["doctor", "--redis", server.url]);
    expect(people.stdout).toMatch(
      /FAIL {2}maxmemory-policy at .+: allkeys-lru\n +maxmemory-policy is .+set it to noeviction/,
    );
    expect(await server.ask((client) => client.dbsize())).toBe(0); // the laws are not tried on it
  } finally {
    await server.stop();
  }
});

test("doctor: a SIGINT in the middle of the laws leaves nothing behind", async () => {
  const server = await RedisServer.start();
  try {
    const cli = new Cli(["doctor", "--redis", server.url]);
    await cli.says(" commit:"); // the laws come next
    cli.signal("SIGINT");
    const { code, stdout } = await cli.ended();
    expect(code).toBe(130);
    expect(stdout).toMatch(/tidied: [1-9]/);
    expect(await server.ask((client) => client.dbsize())).toBe(0);
  } finally {
    await server.stop();
  }
}, 60_000);

test("start: a second signal ends a node that still drains; a port that is taken is told", async () => {
  const server = await RedisServer.start();
  const taken = await openDoor(() => {});
  const variables = { PACHYDERM_REDIS_URL: server.url };
  try {
    const words = ["start", "--entities", entitiesFile, "--port", "0", "--json", "--http-port"];
    const { code, stderr } = await runCli([...words, new URL(taken).port], variables);
    expect(code).toBe(2);
    expect(stderr).toContain("cannot listen");
    const node = new Cli([...words, "0"], variables);
    await node.says("the node serves");
    server.freeze(); // what it says at its end is not heard
    node.signal("SIGTERM");
    await node.says("the node drains");
    node.signal("SIGTERM");
    expect((await node.ended()).code).toBe(143);
  } finally {
    server.thaw();
    await server.stop();
  }
});
