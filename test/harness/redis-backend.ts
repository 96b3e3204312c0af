// The backend on Redis, for the laws: stores that are opened as a node opens them, and a connection of the test's own
// that does to the data what retention, a lost write and a stranger would.

import { randomBytes } from "node:crypto";
import { Cluster, Redis } from "ioredis";
import { IdSequence } from "../../src/engine/ids.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { Commit, EventStore } from "../../src/ports/event-store.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { openRedis } from "../../src/redis/open.ts";
import type { OpenBackend } from "./open-backend.ts";

const PARTITIONS = 8;
const ids = new IdSequence();

/** As a node opens its store. */
async function openRedisStore(url: string, network: string): Promise<EventStore> {
  const { store } = await openRedis({
    redis: url,
    network,
    settings: { partitions: PARTITIONS, log: true, lookbackMs: 60_000 },
    clock: systemClock,
    nextId: () => ids.next(),
    timeoutMs: 10_000,
  });
  return store;
}

/**
 * @param url several, comma-separated: a cluster
 * @param nodeUrl the same, as a node comes to it
 * @param stop ends the server with the backend, if it was started for it
 */
export async function openRedisBackend(
  url: string,
  nodeUrl: string,
  stop?: () => Promise<void>,
): Promise<OpenBackend> {
  const network = `laws-${randomBytes(6).toString("hex")}`; // the server may be somebody's: nothing is shared, or flushed
  const space = new KeySpace(network, PARTITIONS);
  const [first = "", ...rest] = url.split(",");
  const client = rest.length === 0 ? new Redis(first) : new Cluster([first, ...rest]);
  client.on("error", () => {}); // each call fails, and says so
  return {
    name: rest.length === 0 ? "redis" : "redis-cluster",
    clock: systemClock,
    partitions: PARTITIONS,
    open: () => openRedisStore(nodeUrl, network),
    async trim(key, keepFrom) {
      await client.xtrim(space.stream(key), "MINID", `${keepFrom}-0`);
    },
    async rollBack(key, version) {
      await rollBack(client, space.stream(key), version);
      await client.del(space.tip(key.partition)); // whoever wrote it last was lost as well
    },
    keysOf: (commit) => keysOf(space, commit),
    async spoil(key, part) {
      const keys = { records: space.stream(key), snapshot: space.snapshot(key), timers: space.timers(key) };
      await client.set(keys[part], "something else");
    },
    cannot: {},
    async close() {
      client.disconnect();
      await stop?.();
    },
  };
}

function keysOf(space: KeySpace, { key, receipts }: Commit): readonly string[] {
  const ofReceipts = receipts.map((step) => space.receipt(key, step));
  const ofTimers = [space.due(key.partition), space.timers(key)];
  return [
    space.stream(key),
    space.snapshot(key),
    space.tip(key.partition),
    space.log(key.partition),
    ...ofTimers,
    ...ofReceipts,
  ];
}

/** Written anew, as it was then: deleting entries would leave the stream's last id where it is, and refuse them again. */
async function rollBack(client: Redis | Cluster, stream: string, version: number): Promise<void> {
  const kept = version === 0 ? [] : await client.xrange(stream, "-", `${version}-0`);
  const again = client.multi().del(stream);
  for (const [id, fields] of kept) again.xadd(stream, id, ...fields);
  await again.exec();
}
