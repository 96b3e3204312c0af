// entities, history, preview, networks: what there is and what it was, over Redis and over HTTP; and the end of a network.

import { afterAll, beforeAll, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm } from "../../src/index.ts";
import { Cli, documentOf, entitiesFile, errorOf, runCli } from "../harness/cli.ts";
import { RedisServer } from "../harness/redis-server.ts";

let server: RedisServer;
let node: Cli;
let http = "";
let own: Readonly<Record<string, string>> = {};
const id = newId();
const others = Array.from({ length: 3 }, () => newId());

beforeAll(async () => {
  server = await RedisServer.start();
  own = { PACHYDERM_REDIS_URL: server.url, PACHYDERM_NETWORK: "back" };
  const words = ["start", "--entities", entitiesFile, "--port", "0", "--http-port", "0", "--json"];
  node = new Cli([...words, "--partitions", "4"], own);
  await node.says("the node serves");
  http = /"address":"(http:[^"]+)"/.exec(node.said)?.[1] ?? "";
  for (const n of [1, 2, 3])
    documentOf(await runCli(["send", "tally", id, `{"type":"add","n":${n}}`, "--json"], own));
  for (const other of others)
    documentOf(await runCli(["send", "tally", other, '{"type":"add","n":1}', "--json"], own));
});
afterAll(async () => {
  node.signal("SIGTERM");
  await node.ended();
  await server.stop();
});

const byRedis = (...words: string[]) => runCli([...words, "--json"], own);
const byHttp = (...words: string[]) => runCli([...words, "--json"], { PACHYDERM_URL: http });

test("entities: all of them, each once, by both ways", async () => {
  const expected = [id, ...others].map((one) => ({ id: one, type: "tally" }));
  for (const ask of [byRedis, byHttp]) {
    const { stdout, code } = await ask("entities", "--type", "tally");
    const found = stdout.trim().split("\n");
    expect(code).toBe(0);
    expect(
      found.map((line) => JSON.parse(line) as { id: string }).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    ).toEqual(expected.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  }
  expect((await byRedis("entities", "--type", "nobody")).stdout).toBe("");
  expect((await byRedis("entities", "--limit", "2")).stdout.trim().split("\n")).toHaveLength(2);
});

test("where there is nothing, people are told so beside the answer, and programs get nothing", async () => {
  const lists = [
    { words: ["entities", "--type", "nobody"], note: "no entity of the type nobody has records" },
    { words: ["events", "tally", newId()], note: "it has no events" },
    { words: ["events", "tally", id, "--from", "9"], note: "it has no events from version 9 on" },
    { words: ["timers", "tally", id], note: "it has no timers" },
  ];
  for (const { words, note } of lists) {
    expect(await runCli(words, own)).toMatchObject({ code: 0, stdout: "", stderr: `${note}\n` });
    expect(await runCli([...words, "--json"], own)).toMatchObject({ code: 0, stdout: "", stderr: "" });
  }
});

test("history: by the node's code over HTTP, by the module's over Redis", async () => {
  const was = documentOf(await byHttp("history", "tally", id, "--at", "2"));
  expect(was).toMatchObject({ state: { sum: 3 }, version: 2 });
  expect(documentOf(await byRedis("history", "tally", id, "--at", "2", "--entities", entitiesFile))).toEqual(
    was,
  );
  expect(documentOf(await byHttp("history", "tally", id, "--at", String(was["cursor"])))).toEqual(was);
  const without = await byRedis("history", "tally", id);
  expect([without.code, errorOf(without)["code"]]).toEqual([1, "UNKNOWN_TYPE"]);
  expect(errorOf(without).error["advice"]).toMatch(/--entities.*--url/);
  const people = await runCli(["history", "tally", id, "--limit", "1"], { PACHYDERM_URL: http });
  expect(people.stdout).toMatch(/state +\{"sum":6\}[\s\S]*event 3 +\{"type":"added","n":3\}/);
});

test("preview: what it would come to, and nothing is written", async () => {
  const words = ["preview", "tally", id, '{"type":"add","n":4}'];
  const seen = documentOf(await byHttp(...words));
  expect(seen).toMatchObject({ outcome: "handled", state: { sum: 10 }, events: [{ type: "added", n: 4 }] });
  expect(documentOf(await byRedis(...words, "--entities", entitiesFile))).toEqual(seen);
  expect(documentOf(await byRedis("get", "tally", id))).toMatchObject({ state: { sum: 6 }, version: 3 });
});

test("networks: those that there are; one is removed when its name was typed, and no node of it lives", async () => {
  const doomed = { PACHYDERM_REDIS_URL: server.url };
  const plain = defineEntity({
    type: "plain",
    init: () => 0,
    handle: (_: { type: "add" }) => [{ type: "added" as const }],
    update: (_: { type: "added" }, n) => n + 1,
  });
  const alone = await Pachyderm.start({
    entities: [plain],
    redis: server.url,
    network: "doomed",
    partitions: 2,
  });
  for (let i = 0; i < 5; i++)
    await alone.send(plain.ref(newId()), { type: "add" }, { idempotencyKey: `k${i}` });
  await alone.stop();
  expect(JSON.parse((await byRedis("networks")).stdout)).toEqual([
    { network: "back", settings: expect.objectContaining({ partitions: 4 }), nodes: 1, entities: 4 },
    { network: "doomed", settings: expect.objectContaining({ partitions: 2 }), nodes: 0, entities: 5 },
  ]);
  const destroy = (...words: string[]) => runCli(["network", "destroy", ...words], doomed);
  expect(errorOf(await destroy("doomed", "--json"))["code"]).toBe("USAGE");
  expect((await destroy("doomed", "--confirm", "domed")).code).toBe(2);
  const lives = await destroy("back", "--confirm", "back", "--json");
  expect([lives.code, errorOf(lives)["code"]]).toEqual([2, "INVALID_OPTIONS"]);
  expect(errorOf(await destroy("nowhere", "--confirm", "nowhere", "--json"))["code"]).toBe("INVALID_OPTIONS");
  const typed = await runCli(["network", "destroy", "doomed"], doomed, "doomed\n");
  expect(typed.stdout).toMatch(/the network doomed is gone: \d+ keys/);
  const left = await server.ask((client) => client.keys("{doomed:*"));
  expect(left).toEqual([]);
  expect(documentOf(await byRedis("get", "tally", id))).toMatchObject({ version: 3 });
});
