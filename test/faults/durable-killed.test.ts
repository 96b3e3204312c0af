// Nodes are killed, Redis is killed, lines are cut, while commits bring durable effects: each commit in the log has had all
// its effects run, and none was run for a commit that is not in the log.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { jobsLeft, readAll, runsIn, startDurable } from "../harness/durable-process.ts";
import type { Program } from "../harness/program.ts";
import { TcpProxy } from "../harness/proxy.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

const ROUNDS = rounds(9, 200);
/** Long enough for a machine with other work: a lease that is lost all the time leaves no time for effects. */
const LEASE_MS = rounds(1_000, 2_000);
const programs: Program[] = [];
let server: RedisServer;
let proxy: TcpProxy;

beforeAll(async () => {
  server = await RedisServer.start();
  proxy = await TcpProxy.start(server.port);
});
afterAll(async () => {
  for (const program of programs) program.kill(); // those that a failure has left
  await proxy.stop();
  await server.stop();
});

async function begun(order: Parameters<typeof startDurable>[0]): Promise<Program> {
  const program = await startDurable(order);
  programs.push(program);
  return program;
}

const count = (file: string): number =>
  existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;

test(
  `${ROUNDS} rounds of kills and cuts: each commit's effects ran, and no others`,
  async () => {
    const network = "durable-killed";
    const ran = join(server.folder, "ran");
    writeFileSync(ran, "");
    const ids = Array.from({ length: 40 }, () => newId());
    let started = 0;
    const startOne = (work = true): Promise<Program> => {
      started += 1;
      const marks = { kind: "marks", ids, inFlight: 4 } as const;
      return begun({
        redis: proxy.url,
        network,
        leaseMs: LEASE_MS,
        name: `n${started}`,
        ran,
        work: work ? marks : { kind: "none" },
      });
    };
    const goesOn = async (): Promise<void> => {
      const lines = count(ran) + 1 + Math.floor(Math.random() * 200);
      await until(`effects are run (${lines} lines)`, () => count(ran) >= lines, 60_000);
    };
    const nodes = [await startOne(), await startOne()];
    await goesOn();
    for (let round = 0; round < ROUNDS; round++) {
      const fault = round % 3;
      if (fault === 0) {
        const place = Math.floor(Math.random() * nodes.length);
        nodes[place]?.kill();
        await nodes[place]?.ended(10_000);
        nodes[place] = await startOne();
      } else if (fault === 1) {
        await server.restart();
      } else {
        proxy.cut();
      }
      await goesOn();
    }
    for (const node of nodes) {
      node.kill();
      await node.ended(10_000);
    }
    // What is left is done by a node that sends nothing.
    const last = await startOne(false);
    await until(
      "nothing is left on the queues",
      async () => (await server.ask((redis) => jobsLeft(redis, network))).length === 0,
      60_000,
    );
    last.say("stop");
    expect((await last.ended(20_000)).code).toBe(0);

    const records = await server.ask((redis) => readAll(redis, network));
    const wanted = records.flatMap(({ event }) => [`${event["op"]}/0`, `${event["op"]}/1`]);
    const runs = runsIn(ran);
    const done = new Set(runs.map(({ what }) => what));
    expect(wanted.filter((what) => !done.has(what))).toEqual([]);
    const known = new Set(wanted);
    expect([...done].filter((what) => !known.has(what))).toEqual([]);
    // One id is one effect, and of the commit that brought it.
    const commits = new Map(records.map(({ event, commitId }) => [event["op"], commitId]));
    const strangers = runs.filter(
      ({ what, effectId }) => !effectId.startsWith(`${commits.get(what.split("/")[0])}-`),
    );
    expect(strangers).toEqual([]);
    console.log(
      `${records.length} commits, ${wanted.length} effects, ${runs.length} runs, ${started} nodes, ${ROUNDS} faults`,
    );
    expect(records.length).toBeGreaterThan(ROUNDS * 10);
  },
  rounds(120_000, 1_800_000),
);

test("an effect whose process dies in it, three times, is run a fourth time", async () => {
  const network = "deadly";
  const ran = join(server.folder, "deadly");
  const deaths = join(server.folder, "deaths");
  writeFileSync(ran, "");
  const deadly = { file: deaths, times: 3 };
  const start = (name: string, kind: "marks" | "none") =>
    begun({
      redis: server.url,
      network,
      leaseMs: LEASE_MS,
      name,
      ran,
      deadly,
      work: kind === "none" ? { kind } : { kind, ids: [newId()], inFlight: 1 },
    });
  // It dies in the first effect of its first message, and may have been told of no other.
  let node = await start("first", "marks");
  for (let life = 1; life <= 3; life++) {
    expect((await node.ended(60_000)).signal).toBe("SIGKILL");
    node = await start(`life ${life}`, "none");
  }
  await until(
    "nothing is left on the queues",
    async () => (await server.ask((redis) => jobsLeft(redis, network))).length === 0,
    30_000,
  );
  node.say("stop");
  await node.ended(20_000);
  expect(readFileSync(deaths, "utf8").length).toBeGreaterThan(3);
  const records = await server.ask((redis) => readAll(redis, network));
  const done = new Set(runsIn(ran).map(({ what }) => what));
  expect(
    records
      .flatMap(({ event }) => [`${event["op"]}/0`, `${event["op"]}/1`])
      .filter((what) => !done.has(what)),
  ).toEqual([]);
}, 120_000);
