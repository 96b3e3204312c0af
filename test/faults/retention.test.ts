// Retention under load, with a subscription that does not come along, nodes that freeze and are killed, so that messages are
// tried again elsewhere, and timers: nothing is taken away that somebody may still need, and the rest is.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { partitionOf } from "../../src/core/partition.ts";
import type { StoredRecord } from "../../src/core/record.ts";
import { newId, Pachyderm, type PachydermError } from "../../src/index.ts";
import { TestCluster } from "../harness/cluster.ts";
import { checkEntity, errorsIn } from "../harness/cluster-log.ts";
import { Deliveries, firsts } from "../harness/deliveries.ts";
import { monotonicMs, type Told } from "../harness/load.ts";
import type { LoggedRecord } from "../harness/log-checker.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { RetentionModel } from "../harness/retention-model.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";
import { KEEP_EVENTS, keeper, TICK } from "../programs/keeper.ts";
import { type Added, emptyLedger, foldLedger } from "../programs/ledger.ts";

const NETWORK = "keeping";
const PARTITIONS = 32;
/** What is older is trimmed, with two margins of 2 seconds. */
const LOOKBACK_MS = 1_000;
const MARGINS_MS = 4_000;
/** How far a node's idea of Redis's time may be ahead of it. */
const AHEAD_MS = 250;
const ROUNDS = rounds(1, 15);
const WAIT_MS = 90_000;
const start = { partitions: PARTITIONS, lookbackMs: LOOKBACK_MS, timeoutMs: LOOKBACK_MS };
const load = { senders: rounds(6, 32), thinkMs: rounds(10, 2), timeoutMs: LOOKBACK_MS };
const someIds = (count: number) => Array.from({ length: count }, () => newId());
/** That are under load. */
const busy = someIds(rounds(64, 300));
/**
 * Of each round: what is old soon, so that nothing is kept but the snapshot and the last events. In partitions where things
 * go on: a cursor that stands at the end of a log is as old as the last entry.
 */
const busyPartitions = new Set(busy.map((id) => partitionOf(id, PARTITIONS)));
const still = Array.from({ length: ROUNDS }, () =>
  someIds(24).filter((id) => busyPartitions.has(partitionOf(id, PARTITIONS))),
);
/** More than the subscription is given before it stays. */
const STILL_EVENTS = 37;
const ids = [...busy, ...still.flat()];
/** Of these the subscription is given nothing as long as the gate is shut. */
const isHeld = (id: string): boolean => partitionOf(id, PARTITIONS) % 2 === 0;
const [held, free] = [busy.filter(isHeld), busy.filter((id) => !isHeld(id))];

let server: RedisServer;
let folder: string;
let cluster: TestCluster;
let model: RetentionModel;
let delivered: Deliveries;
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  server = await RedisServer.start();
  folder = mkdtempSync(join(tmpdir(), "pachyderm-retention-"));
  writeFileSync(file("delivered"), "");
  delivered = new Deliveries(file("delivered"));
  cluster = await TestCluster.start(
    {
      network: NETWORK,
      redis: server,
      types: ["keeper"],
      slow: { delivered: file("delivered"), gate: file("gate") },
      start,
      cluster: { leaseMs: 1_000 },
    },
    ["a", "b", "c"],
  );
});
afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

test(
  `${ROUNDS} rounds of a freeze and a kill under load: nothing that is needed is trimmed, and the rest is`,
  async () => {
    model = new RetentionModel({
      server,
      network: NETWORK,
      partitions: PARTITIONS,
      ids,
      keepEvents: KEEP_EVENTS,
      youngMs: LOOKBACK_MS + MARGINS_MS - AHEAD_MS,
      delivered,
    });
    const told: Told[] = [];
    const user = await cluster.user([keeper]);
    await cluster.load(["a"], { ...load, type: "keeper", ids: busy });
    let retried = 0;
    for (const own of still) {
      const [gone, heldGone] = [model.gone(free), model.gone(held)];
      cluster.node("b").freeze();
      await sound("a message was tried elsewhere", async () => (await attempts()) > 0);
      cluster.node("b").thaw();
      await cluster.kill("c");
      await cluster.add("c");
      retried += await attempts();
      told.push(...(await Promise.all(own.map((id) => fill(user, id)))).flat());
      const ownFree = own.filter((id) => !isHeld(id));
      await sound("much is gone", () => model.gone(free) >= gone + 5 * free.length && isMostDone(ownFree));
      // By now as much would be gone of the others, were it not for the subscription.
      writeFileSync(file("gate"), "");
      await sound(
        "much of the others is gone",
        () => model.gone(held) >= heldGone + 5 * held.length && isMostDone(own),
      );
      rmSync(file("gate"));
    }
    writeFileSync(file("gate"), "");
    for (const one of await cluster.finish(["a"])) told.push(one);
    await user.stop();
    const last = new Map([...model.records].map(([id, records]) => [id, records.length]));
    await sound("all is delivered", () => {
      const given = firsts(delivered.all());
      return [...last].every(([id, count]) => (given.get(id)?.length ?? 0) >= count);
    });
    const complaints = cluster.nodes.map(({ stderr }) => stderr).filter((stderr) => stderr !== "");
    await Promise.all(["a", "b", "c"].map((name) => cluster.stopNode(name)));
    const states = await readCold();
    await model.end();

    expect(model.problems).toEqual([]);
    expect(complaints).toEqual([]);
    // Each event once and in order, with none left out; whoever is given it again is given it later.
    for (const [id, versions] of firsts(delivered.all()))
      expect(versions, id).toEqual(Array.from({ length: versions.length }, (_, i) => i + 1));
    for (const id of ids) expect(checkEntity(loggedOf(id), toldOf(id, told)), id).toEqual([]);
    for (const [id, { version, state }] of states) {
      const records = loggedOf(id).slice(0, version);
      expect(state, id).toEqual(
        records.reduce((before, { event }) => foldLedger(before, event), emptyLedger),
      );
    }
    const all = [...model.records.values()].flat();
    const ticks = all.filter(({ event }) => event.includes(TICK)).length;
    expect(ticks).toBeGreaterThan(busy.length);
    console.log(
      `${all.length} records, of which ${model.gone(ids)} are gone and ${ticks} were timers'; ${model.looks} looks; ` +
        `${told.length} messages, ${retried} tried again; errors: ${JSON.stringify(errorsIn(told))}`,
    );
  },
  rounds(300_000, 900_000),
);

async function sound(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  await until(what, async () => model.problems.length > 0 || (await condition()), WAIT_MS);
  expect(model.problems).toEqual([]);
}

/** What a node remembers is gone with it, and with an answer that it never had: until the entity's next snapshot. */
function isMostDone(some: readonly string[]): boolean {
  return model.done(some) >= some.length / 2;
}

/** One message after the other; errors are told as they are to any sender. */
async function fill(node: Pachyderm, id: string): Promise<readonly Told[]> {
  const told: Told[] = [];
  while (told.filter(({ outcome }) => outcome === "answered").length < STILL_EVENTS) {
    // What became of the last one may be unknown: it may still come, and must not look out of order.
    const op = `still.${told.length}:0`;
    const from = monotonicMs();
    const sent = await node.send(keeper.ref(id), { type: "add", op, still: true }).then(
      ({ handledVersion, version, state }) =>
        ({ outcome: "answered", handledVersion, seen: { version, state } }) as const,
      (error: PachydermError) => ({ outcome: error.outcome, error: `${error.code}: ${error.message}` }),
    );
    told.push({ id, op, ...sent, from, to: monotonicMs() });
  }
  return told;
}

/** Receipts of messages that a second node was asked to handle: as many attempts looked back in the log. */
async function attempts(): Promise<number> {
  return await server.ask(async (redis) => (await redis.keys(`{${NETWORK}:*}:r:*:m:*`)).length);
}

/** By a node that has nothing in memory. */
async function readCold(): Promise<ReadonlyMap<string, { version: number; state: unknown }>> {
  const node = await Pachyderm.start({
    ...start,
    redis: server.url,
    network: NETWORK,
    entities: [keeper],
    timeoutMs: LOOKBACK_MS,
  });
  const states = new Map<string, { version: number; state: unknown }>();
  for (const id of ids)
    await until(`${id} is read`, async () => {
      const { version, state } = await node.get(keeper.ref(id));
      return states.set(id, { version, state }).has(id);
    });
  await node.stop();
  return states;
}

function loggedOf(id: string): readonly LoggedRecord<Added>[] {
  return (model.records.get(id) ?? []).map(({ version, event: text }: StoredRecord) => {
    const event = JSON.parse(text) as Added;
    return { version, op: event.op, event };
  });
}

/** And what timers sent, of which nobody was told anything. */
function toldOf(id: string, told: readonly Told[]): readonly Told[] {
  const ticks = loggedOf(id).flatMap(({ op }): Told[] =>
    op.startsWith(TICK) ? [{ id, op, outcome: "unknown", from: 0, to: 0 }] : [],
  );
  return [...told.filter((one) => one.id === id), ...ticks];
}
