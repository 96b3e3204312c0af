// The command line against a node of its own making, over Redis and the nodes' lines.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { Cli, cliFile, documentOf, entitiesFile, errorOf, runCli } from "../harness/cli.ts";
import { RedisServer } from "../harness/redis-server.ts";

const SECRET = "a-secret-of-the-test";
const TOKEN = "a-token-of-the-test";
let server: RedisServer;
let node: Cli;
let http = "";
let own: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  server = await RedisServer.start();
  own = { PACHYDERM_REDIS_URL: server.url, PACHYDERM_NETWORK: "cli", PACHYDERM_SECRET: SECRET };
  const words = [
    "start",
    "--entities",
    entitiesFile,
    "--port",
    "0",
    "--http-port",
    "0",
    "--http-token",
    TOKEN,
  ];
  node = new Cli([...words, "--json", "--partitions", "8"], own);
  await node.says("the node serves");
  http = /"address":"(http:[^"]+)"/.exec(node.said)?.[1] ?? "";
});
afterAll(async () => {
  node.signal("SIGTERM");
  const { code, stdout } = await node.ended();
  await server.stop();
  expect(code).toBe(0);
  // All that it said is JSON, and tells of its end.
  const lines = stdout.trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg).at(-1)).toBe("the node has stopped");
});

const json = (...words: string[]) => runCli([...words, "--json"], own);

test("send, get, events, cluster: the whole way, as JSON and for people", async () => {
  const id = newId();
  const sent = documentOf(await json("send", "tally", id, '{"type":"add","n":3}'));
  expect(sent).toMatchObject({
    state: { sum: 3 },
    version: 1,
    handledVersion: 1,
    reply: { added: 3 },
    duplicate: false,
  });
  expect(documentOf(await json("get", "tally", id))).toEqual({
    state: { sum: 3 },
    version: 1,
    cursor: sent["cursor"],
  });
  const people = await runCli(["send", "tally", id, "-", "--answer", "none"], own, '{"type":"add","n":4}');
  expect(people).toMatchObject({ code: 0, stderr: "" });
  expect(people.stdout).toMatch(/reply +\{"added":4\}\nversion +2\nhandled at +2\ncursor +p1\.cli\./);
  expect(people.stdout).not.toContain("state");
  const events = await json("events", "tally", id);
  const lines = events.stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { version: 1, event: { type: "added", n: 3 } },
    { version: 2, event: { type: "added", n: 4 } },
  ]);
  expect((await runCli(["events", "tally", id, "--from", "2"], own)).stdout).toMatch(
    /^ +2 {2}\d{4}-.+Z {2}added {2}\{"n":4\}\n$/,
  );
  await json("send", "tally", id, '{"type":"remind"}');
  const timers = await json("timers", "tally", id);
  expect(documentOf(timers)).toMatchObject({ name: "reminder", every: 3_600_000, attempts: 0, parked: null });
  expect((await runCli(["timers", "tally", id], own)).stdout).toMatch(
    /^\d{4}-.+Z {2}reminder {2}every 3600000 ms {2}\{"type":"add"\}\n$/,
  );
  const view = documentOf(await json("cluster", "--locate", id));
  expect(view).toMatchObject({ network: "cli", partition: expect.any(Number), owner: expect.any(String) });
  // A port that the system chose: the node has told it when its door was open.
  expect(view["nodes"]).toMatchObject([{ http: new URL(http).host }]);
  expect(view["partitions"]).toHaveLength(8); // the network's own number, which nobody told this process
  expect((await runCli(["cluster", "--locate", id], own)).stdout).toMatch(
    /network cli: 1 nodes, 8 partitions\nnode +address/,
  );
}, 60_000);

test("queries, a stale get, and a place to wait for", async () => {
  const id = newId();
  const sent = documentOf(
    await json("send", "tally", id, '{"type":"add","n":3}', "--answer", "above", "--args", '{"least":2}'),
  );
  expect(sent).toMatchObject({ result: true, version: 1 });
  const get = (...words: string[]) => json("get", "tally", id, ...words).then(documentOf);
  expect(await get("--query", "above", "--args", '{"least":3}')).toMatchObject({ result: false });
  expect(await get("--stale", "--at-least", String(sent["cursor"]))).toMatchObject({ state: { sum: 3 } });
}, 60_000);

test("a key is recognised, and not with another message", async () => {
  const id = newId();
  const send = (message: string) => json("send", "tally", id, message, "--key", "k1");
  expect(documentOf(await send('{"type":"add"}'))).toMatchObject({ version: 1, duplicate: false });
  expect(documentOf(await send('{"type":"add"}'))).toMatchObject({ version: 1, duplicate: true });
  expect(errorOf(await send('{"type":"add","n":2}'))).toMatchObject({ exit: 3, code: "KEY_REUSED" });
}, 60_000);

test("what the entity says no to ends with 3, and says why", async () => {
  const id = newId();
  const rejected = errorOf(await json("send", "tally", id, '{"type":"dance"}'));
  expect(rejected).toMatchObject({ exit: 3, code: "REJECTED", outcome: "not-committed" });
  expect(rejected.error).toMatchObject({
    retryable: false,
    detail: { code: "not-understood", detail: { type: "dance" } },
    advice: expect.stringMatching(/./),
  });
  const words = ["send", "tally", id, '{"type":"add"}', "--expected", "7"];
  expect(errorOf(await json(...words))).toMatchObject({ exit: 3, code: "EXPECTED_MISMATCH" });
  const told = await runCli(words, own);
  expect(told).toMatchObject({ code: 3, stdout: "" });
  expect(told.stderr).toMatch(
    /^EXPECTED_MISMATCH .+\noutcome: not-committed\ndetail: .+\nRead the entity again/,
  );
}, 60_000);

test("what cannot be done ends with 1", async () => {
  const id = newId();
  expect(errorOf(await json("send", "nothing", id, '{"type":"add"}'))).toMatchObject({
    exit: 1,
    code: "UNKNOWN_TYPE",
  });
  expect(errorOf(await json("send", "tally", id, '{"type":"throw"}'))).toMatchObject({
    exit: 1,
    code: "HANDLER_FAILED",
  });
}, 60_000);

test("the wrong secret is told as that, and does not hurt the node", async () => {
  const strange = { ...own, PACHYDERM_SECRET: "another-secret" };
  const words = ["send", "tally", newId(), '{"type":"add"}', "--timeout", "700", "--json"];
  const told = errorOf(await runCli(words, strange));
  expect(told).toMatchObject({ exit: 1, code: "SHUT_OUT", outcome: "not-committed" });
  expect(String(told.error["message"])).toContain("the secret is not this network's");
  expect(documentOf(await runCli(words, own))).toMatchObject({ version: 1 });
}, 60_000);

test("over HTTP: the same answers, by a token, and without Redis", async () => {
  const id = newId();
  const door = { PACHYDERM_URL: http, PACHYDERM_HTTP_TOKEN: TOKEN };
  const ask = (...words: string[]) => runCli([...words, "--json"], door);
  const sent = documentOf(await ask("send", "tally", id, '{"type":"fill","n":2500}', "--key", "k"));
  expect(sent).toMatchObject({ state: { sum: 2500 }, version: 2500, duplicate: false });
  expect(
    documentOf(await ask("get", "tally", id, "--query", "above", "--args", '{"least":1}')),
  ).toMatchObject({ result: true });
  const { stdout } = await ask("events", "tally", id);
  const versions = stdout
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { version: number }).version);
  expect(versions).toEqual(Array.from({ length: 2500 }, (_, i) => i + 1)); // three pages
  expect(documentOf(await ask("cluster", "--locate", id))).toMatchObject({
    network: "cli",
    owner: expect.any(String),
  });
  const mismatch = await ask(
    "send",
    "tally",
    id,
    '{"type":"add"}',
    "--expected",
    String(sent["cursor"]).replace(".2500.", ".1."),
  );
  expect(errorOf(mismatch)).toMatchObject({ exit: 3 });
  expect(errorOf(await ask("send", "tally", id, '{"type":"dance"}'))).toMatchObject({
    exit: 3,
    code: "REJECTED",
  });
  expect(errorOf(await ask("get", "tally", "no-id"))).toMatchObject({ exit: 2, code: "INVALID_REFERENCE" });
  const without = await runCli(["get", "tally", id, "--json"], { PACHYDERM_URL: http });
  expect(errorOf(without)).toMatchObject({ exit: 1, code: "UNAUTHORIZED" });
  // What the door cannot be told is not left out in silence.
  for (const words of [["--expected", "1"], ["--answer", "above"], ["--no-retry"], ["--network", "cli"]]) {
    const told = errorOf(await ask("send", "tally", id, '{"type":"add"}', ...words));
    expect(told, words.join(" ")).toMatchObject({ exit: 2, code: "USAGE" });
  }
}, 60_000);

test("whoever has read enough ends it quietly", async () => {
  const id = newId();
  documentOf(await json("send", "tally", id, '{"type":"fill","n":3000}', "--answer", "none"));
  const script = `"${process.execPath}" "${cliFile}" events tally ${id} --json | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await promisify(execFile)("bash", ["-c", script], {
    env: { ...process.env, ...own },
  });
  const [line = "", code] = stdout.split("\n");
  expect(JSON.parse(line)).toMatchObject({ version: 1 });
  expect({ code, stderr }).toEqual({ code: "0", stderr: "" });
}, 60_000);

test("a network that is not there is not made by asking for it", async () => {
  const told = errorOf(await json("get", "tally", newId(), "--network", "misspelt"));
  expect(told).toMatchObject({ exit: 4, code: "NO_OWNER", outcome: "not-committed" });
  expect(await server.ask((client) => client.keys("{misspelt*"))).toEqual([]);
}, 60_000);

test("a network that an older version made is read; of what is not Pachyderm's that is said", async () => {
  const settings = { format: 1, partitions: 8, log: true, lookbackMs: 60_000 };
  await server.ask((client) => client.set("{old:meta}:settings", JSON.stringify(settings)));
  await server.ask((client) => client.set("{foreign:meta}:settings", "something else"));
  const view = documentOf(await json("cluster", "--network", "old"));
  expect(view).toMatchObject({ network: "old", nodes: [] });
  expect(view["partitions"]).toHaveLength(8);
  const foreign = errorOf(await json("cluster", "--network", "foreign"));
  expect(foreign).toMatchObject({ exit: 1, code: "CONFIG_MISMATCH" });
}, 60_000);

test("no colours where nobody sees them, also where CI is set", async () => {
  const { stdout } = await runCli(["cluster"], { ...own, CI: "true", FORCE_COLOR: "1" });
  expect(stdout).toContain("partitions");
  expect(stdout.includes("\u001b[")).toBe(false);
}, 60_000);
