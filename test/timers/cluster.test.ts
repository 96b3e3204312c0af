// Timers in a cluster: the owner of a partition fires them, whoever hosts the entity; and hands them over when it stops.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, reject } from "../../src/index.ts";
import { alarm } from "../harness/alarm.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

/** What a node hosts that hosts no alarms. */
const other = defineEntity({
  type: "other",
  init: () => 0,
  handle: (_message: { type: "any" }) => reject("no"),
  update: (_event: { type: "never" }, count) => count,
});

let server: RedisServer;
let networks = 0;
const nodes: Pachyderm[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});

async function join(entities: Parameters<typeof Pachyderm.start>[0] = {}): Promise<Pachyderm> {
  const cluster = { port: 0, leaseMs: 1_000 };
  const node = await Pachyderm.start({ redis: server.url, network: `tc-${networks}`, cluster, ...entities });
  nodes.push(node);
  return node;
}

const ownedBy = (node: Pachyderm) => node.gauges().partitions;

test("a timer whose entity is hosted elsewhere goes there as a frame, in time", async () => {
  networks += 1;
  const host = await join({ entities: [alarm] });
  const stranger = await join({ entities: [other] });
  const strangers = () => host.cluster().nodes.find(({ types }) => types.includes("other"))?.id ?? "unknown";
  await until("the host knows which partitions are the stranger's", () => {
    const owned = host.cluster().partitions.filter(({ owner }) => owner === strangers());
    return owned.length > 0 && ownedBy(host) + ownedBy(stranger) === 32;
  });
  const ids = Array.from({ length: 200 }, newId);
  const theirs = ids.filter((id) => host.locate(id).owner === strangers());
  expect(theirs.length).toBeGreaterThan(0);
  // Some are due so soon that the node that set them fires them itself, the others are found by the partition's owner.
  const sends = theirs.map((id, i) =>
    host.send(alarm.ref(id), { type: "set", name: "a", after: i % 2 === 0 ? 100 : 2_500 }),
  );
  await Promise.all(sends);
  await until("all have rung", async () => {
    const rung = await Promise.all(
      theirs.map(async (id) => (await host.get(alarm.ref(id))).state.rung.length),
    );
    return rung.every((times) => times === 1);
  });
  for (const id of theirs) {
    const [rang] = (await host.get(alarm.ref(id))).state.rung;
    expect(rang?.lateMs).toBeGreaterThanOrEqual(0);
    expect(await host.timers(alarm.ref(id))).toEqual([]);
  }
});

test("a node that stops hands its timers over: each fires once", async () => {
  networks += 1;
  const first = await join({ entities: [alarm] });
  const second = await join({ entities: [alarm] });
  await until("each owns its own", () => ownedBy(first) + ownedBy(second) === 32 && ownedBy(first) > 0);
  const ids = Array.from({ length: 200 }, newId);
  const at = Date.now() + 300;
  await Promise.all(
    ids.map((id, i) => second.send(alarm.ref(id), { type: "set", name: "a", at: at + i * 5 })),
  );
  await until("some have rung", async () => (await second.timers(alarm.ref(ids[20] ?? ""))).length === 0);
  await first.stop();
  nodes.shift();
  await until("all have rung", async () => {
    const left = await Promise.all(ids.map((id) => second.timers(alarm.ref(id))));
    return left.every((timers) => timers.length === 0);
  });
  for (const id of ids) expect((await second.get(alarm.ref(id))).state.rung).toHaveLength(1);
});

test("a pure sender fires nothing, and lists what there is", async () => {
  networks += 1;
  const sender = await join({ host: false });
  const host = await join({ entities: [alarm] });
  const ref = alarm.ref(newId());
  await sender.send(ref, { type: "set", name: "a", after: "1h" });
  expect(await sender.timers(ref)).toEqual(await host.timers(ref));
  expect(await sender.timers(ref)).toHaveLength(1);
  await expect(sender.timers({ type: "nobody", id: ref.id })).rejects.toMatchObject({ code: "UNKNOWN_TYPE" });
});
