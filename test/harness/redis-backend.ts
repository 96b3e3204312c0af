// The backend on Redis, for the laws: stores that are opened as a node opens them.

import { randomBytes } from "node:crypto";
import { systemClock } from "../../src/node/clock.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { Mishaps } from "../../src/redis/mishaps.ts";
import type { OpenBackend } from "./open-backend.ts";
import { clientOf, nameOf, openNetwork, PARTITIONS } from "./redis-network.ts";

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
  const network = `laws-${randomBytes(6).toString("hex")}`;
  const client = clientOf(url);
  const mishaps = new Mishaps(client, new KeySpace(network, PARTITIONS));
  return {
    name: nameOf(url),
    clock: systemClock,
    partitions: PARTITIONS,
    open: async () => (await openNetwork(nodeUrl, network)).store,
    trim: (key, keepFrom) => mishaps.trim(key, keepFrom),
    rollBack: (key, version) => mishaps.rollBack(key, version),
    keysOf: (commit) => mishaps.keysOf(commit),
    spoil: (key, part) => mishaps.spoil(key, part),
    cannot: {},
    async close() {
      client.disconnect();
      await stop?.();
    },
  };
}
