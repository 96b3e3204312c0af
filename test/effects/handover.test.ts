// Nodes that define different effects: whoever has the partition, the effect is run where it is defined.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { partitionOf } from "../../src/core/partition.ts";
import { defineEffect, defineEntity, newId, Pachyderm, type StartOptions } from "../../src/index.ts";
import { untilDone } from "../harness/durable-nodes.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

/** So many that each of two nodes has some, but by a chance that will not come. */
const PARTITIONS = 32;
let server: RedisServer;
const nodes: Pachyderm[] = [];
beforeAll(async () => {
  server = await RedisServer.start();
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});
afterAll(() => server.stop());

const ran: string[] = [];
/** The effect as one node defines it; `where` tells which. */
function mailIn(where: string, act: (attempt: number) => void = () => {}) {
  return defineEffect({
    name: "mail",
    durable: { attempts: 3, backoffMs: 5 },
    dispatch(payload: string, _config: unknown, { attempt }) {
      ran.push(`${where} ${payload} ${attempt}`);
      act(attempt);
    },
  });
}
const described = mailIn("nowhere");
const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle: ({ mail }: { type: "up"; mail: string }) => ({
    events: [{ type: "upped" as const }],
    effects: [described(mail)],
  }),
  update: (_event: { type: "upped" }, { count }) => ({ count: count + 1 }),
});
/** Hosted, so that the node gets partitions, and used by nobody. */
const idle = defineEntity({
  type: "idle",
  init: () => null,
  handle: (_message: { type: "never" }) => [{ type: "never" as const }],
  update: (_event: { type: "never" }) => null,
});

async function start(network: string, options: StartOptions): Promise<Pachyderm> {
  const cluster = { port: 0, secret: "the secret of a test", leaseMs: 1_000 };
  const node = await Pachyderm.start({
    redis: server.url,
    network,
    partitions: PARTITIONS,
    cluster,
    ...options,
  });
  nodes.push(node);
  return node;
}

function idIn(partition: number): string {
  for (;;) {
    const id = newId();
    if (partitionOf(id, PARTITIONS) === partition) return id;
  }
}

const owners = (node: Pachyderm) => new Set(node.cluster().partitions.map(({ owner }) => owner));

test("a job whose effect its node does not define is run by one that does, and failures count", async () => {
  ran.length = 0;
  const mailing = await start("handover", {
    entities: [counter],
    effects: [
      mailIn("a", (attempt) => {
        if (attempt < 2) throw new Error("not yet");
      }),
    ],
  });
  await start("handover", { entities: [idle] });
  await until("both have partitions", () => owners(mailing).size === 2 && !owners(mailing).has(null));
  const ids = Array.from({ length: PARTITIONS }, (_, partition) => idIn(partition));
  for (const id of ids) await mailing.send(counter.ref(id), { type: "up", mail: id });
  await untilDone(mailing);
  expect(ran.toSorted()).toEqual(ids.flatMap((id) => [`a ${id} 1`, `a ${id} 2`]).toSorted());
});

test("where nobody defines it, it waits for one who does, and no attempt is counted", async () => {
  ran.length = 0;
  const first = await start("handover-later", { entities: [counter], effects: [mailIn("first")] });
  const id = newId();
  const stopped = first.stop();
  await stopped;
  const mailing = await start("handover-later", {
    entities: [counter],
    effects: [
      mailIn("second", () => {
        throw new Error("no");
      }),
    ],
  });
  await mailing.send(counter.ref(id), { type: "up", mail: "later" });
  await until("it was tried", () => ran.length > 0);
  await mailing.stop();
  const without = await start("handover-later", { entities: [counter] });
  await until(
    "it waits",
    async () =>
      (await without.effects.counts()).delayed === 1 || (await without.effects.counts()).failed === 1,
  );
  await without.effects.retry("all");
  const before = ran.length;
  await start("handover-later", { entities: [counter], effects: [mailIn("third")] });
  await untilDone(without, 20_000);
  expect(ran.slice(before)).toEqual([expect.stringMatching(/^third later \d$/)]);
});
