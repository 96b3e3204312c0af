// Money goes from account to account by `tell`, from three nodes that are killed and restarted: nothing is lost, nothing
// comes twice, no account is below zero, and no transfer is half done at the end.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId, Pachyderm } from "../../src/index.ts";
import { jobsLeft, type Logged, PARTITIONS, readAll, startDurable } from "../harness/durable-process.ts";
import type { Program } from "../harness/program.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";
import { account, FULL } from "../programs/bank.ts";

const ACCOUNTS = rounds(30, 200);
const TRANSFERS = rounds(1_500, 20_000);
const KILLS = rounds(2, 12);
const OPENING = 1_000;
const NETWORK = "transfers";
let server: RedisServer;
const programs: Program[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(async () => {
  for (const program of programs) program.kill(); // those that a failure has left
  await server.stop();
});

test(
  `${TRANSFERS} transfers between ${ACCOUNTS} accounts, ${KILLS} kills and a rolling restart`,
  async () => {
    const ids = Array.from({ length: ACCOUNTS }, () => newId());
    const opener = await Pachyderm.start({
      redis: server.url,
      network: NETWORK,
      partitions: PARTITIONS,
      entities: [account],
    });
    await Promise.all(ids.map((id) => opener.send(account.ref(id), { type: "open", amount: OPENING })));
    await opener.stop();

    const ran = join(server.folder, "ran");
    writeFileSync(ran, "");
    let started = 0;
    const start = async (count: number): Promise<Program> => {
      started += 1;
      const work =
        count === 0
          ? ({ kind: "none" } as const)
          : ({ kind: "transfers", ids, inFlight: rounds(4, 8), count } as const);
      const program = await startDurable({
        redis: server.url,
        network: NETWORK,
        leaseMs: 1_000,
        name: `n${started}`,
        ran,
        work,
      });
      programs.push(program);
      return program;
    };
    const withdrawn = async (): Promise<number> =>
      (await eventsOf()).filter(({ event }) => event.type === "withdrawn").length;
    const eventsOf = (): Promise<readonly Logged[]> => server.ask((redis) => readAll(redis, NETWORK));
    /** A node that is killed leaves its share to those that come after it. */
    const share = Math.ceil((TRANSFERS * 2) / (3 + KILLS));
    const nodes = await Promise.all([start(share), start(share), start(share)]);
    for (let kill = 1; kill <= KILLS; kill++) {
      const so = Math.floor((TRANSFERS * kill * 0.6) / (KILLS + 1));
      await until(`${so} withdrawals`, async () => (await withdrawn()) >= so, 120_000);
      const place = kill % nodes.length;
      nodes[place]?.kill();
      await nodes[place]?.ended(10_000);
      nodes[place] = await start(share);
    }
    // One after the other is asked to end, and another begins in its place.
    for (const [place, node] of [...nodes.entries()]) {
      node.say("stop");
      expect((await node.ended(30_000)).code).toBe(0);
      nodes[place] = await start(0);
    }
    const more = Math.max(1, TRANSFERS - (await withdrawn()));
    const last = await start(more);
    await last.prints("sent", 300_000);
    await until(
      "no job is left",
      async () => (await server.ask((redis) => jobsLeft(redis, NETWORK))).length === 0,
      120_000,
    );
    for (const node of [...nodes, last]) node.say("stop");
    for (const node of [...nodes, last]) expect((await node.ended(30_000)).code).toBe(0);

    const events = await eventsOf();
    expect(problemsOf(events)).toEqual([]);
    const count = (type: string): number => events.filter(({ event }) => event.type === type).length;
    console.log(
      `${count("withdrawn")} withdrawn, ${count("received")} received, ${count("refunded")} refunded, ${started} nodes`,
    );
    expect(count("withdrawn")).toBeGreaterThan(TRANSFERS * 0.5);
    expect(count("refunded")).toBeGreaterThan(0);
  },
  rounds(180_000, 1_800_000),
);

/** What is wrong with the books. */
function problemsOf(events: readonly Logged[]): readonly string[] {
  const problems: string[] = [];
  const balances = new Map<string, number>();
  const transfers = new Map<string, { withdrawn: number; arrived: number }>();
  for (const { id, event } of [...events].sort((a, b) => a.version - b.version)) {
    const amount = Number(event["amount"]);
    const balance = (balances.get(id) ?? 0) + (event.type === "withdrawn" ? -amount : amount);
    balances.set(id, balance);
    if (balance < 0) problems.push(`${id} is below zero`);
    if (balance > FULL && event.type === "received") problems.push(`${id} took more than it may`);
    if (event.type === "opened") continue;
    const transfer = transfers.get(String(event["transfer"])) ?? { withdrawn: 0, arrived: 0 };
    if (event.type === "withdrawn") transfer.withdrawn += amount;
    else transfer.arrived += amount;
    transfers.set(String(event["transfer"]), transfer);
  }
  for (const [transfer, { withdrawn, arrived }] of transfers)
    if (withdrawn !== arrived) problems.push(`${transfer}: ${withdrawn} left, ${arrived} arrived`);
  const sum = [...balances.values()].reduce((total, balance) => total + balance, 0);
  if (sum !== ACCOUNTS * OPENING) problems.push(`the sum is ${sum}, and was ${ACCOUNTS * OPENING}`);
  return problems;
}
