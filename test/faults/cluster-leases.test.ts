// Leases are an economy: granted by a majority of servers of their own, and nothing waits for them.

import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { TestCluster } from "../harness/cluster.ts";
import { errorsIn, longestPause } from "../harness/cluster-log.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

const names = ["a", "b"];
const load = { ids: Array.from({ length: 100 }, () => newId()), senders: 16, thinkMs: 10, timeoutMs: 5_000 };
/** Longer than what holds up the machine of the everyday run: whoever waited for a lease would be seen. */
const LEASE_MS = rounds(4_000, 1_500);
let servers: RedisServer[];
let cluster: TestCluster;

beforeAll(async () => {
  servers = await Promise.all(Array.from({ length: 3 }, () => RedisServer.start()));
  const leaseServers = servers.map(({ url }) => url);
  cluster = await TestCluster.start(
    { network: "leases", cluster: { leaseMs: LEASE_MS, leaseServers } },
    names,
  );
});
afterAll(async () => {
  await cluster.stop();
  await Promise.all(servers.map((server) => server.stop()));
});

const owned = async (): Promise<number> =>
  (await Promise.all(names.map((name) => cluster.node(name).view()))).reduce(
    (sum, view) => sum + view.owned,
    0,
  );

test("one of three lease servers dies: partitions go on having owners, those of a node that restarts too; another freezes: none has, and nobody notices", async () => {
  await cluster.load(names, load);
  await cluster.goesOn(names, 100);
  await servers[0]?.kill();
  await cluster.stopNode("b");
  await cluster.add("b");
  await cluster.settled();
  await cluster.load(["b"], load);
  servers[1]?.freeze();
  await until("no partition has an owner", async () => (await owned()) === 0);
  await cluster.goesOn(names, 200);
  servers[1]?.thaw();
  await servers[0]?.restart();
  await cluster.settled();
  const told = await cluster.finish(names);
  expect(errorsIn(told)).toEqual({});
  for (const name of names) {
    const { signals } = await cluster.node(name).view();
    expect(signals["node-left"] ?? 0, "but for the one that restarted").toBeLessThanOrEqual(1);
  }
  expect(longestPause(told)).toBeLessThan(LEASE_MS);
  expect(await cluster.check()).toEqual([]);
});
