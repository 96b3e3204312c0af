// The backends of the network's log and of its subscriptions, for the laws.

import type { LogBackend } from "../../src/laws/log/law.ts";
import { MemoryCursors, MemorySubscriptions } from "../../src/memory/cursors.ts";
import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryLogReader } from "../../src/memory/log-reader.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { systemClock } from "../../src/node/clock.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { Mishaps } from "../../src/redis/mishaps.ts";
import type { Ends } from "./open-backend.ts";
import { clientOf, faultsOf, nameOf, openNetwork, PARTITIONS } from "./redis-network.ts";
import type { RedisServer } from "./redis-server.ts";

const clock = systemClock;

export function memoryLog(): LogBackend & Ends {
  const made = new Map<string, { readonly log: MemoryLog; readonly subscriptions: MemorySubscriptions }>();
  const of = (network: string) => {
    const found = made.get(network) ?? {
      log: new MemoryLog(clock, { log: true }),
      subscriptions: new MemorySubscriptions(),
    };
    made.set(network, found);
    return found;
  };
  const noServer = "there is no server that something could befall";
  const typed = "its data are typed objects of this process, where nothing foreign can be put";
  return {
    name: "memory",
    clock,
    partitions: PARTITIONS,
    async open(network) {
      const { log, subscriptions } = of(network);
      return {
        store: new MemoryEventStore(clock, log),
        reader: new MemoryLogReader(clock, log),
        cursors: new MemoryCursors(clock, log, subscriptions),
      };
    },
    rollBackLog: async (network, partition, entry) => of(network).log.partition(partition).rollBack(entry),
    async plant(network, partition, callId, lines) {
      const { log } = of(network);
      log.partition(partition).append(log.now(), callId, lines);
    },
    trimRecords: async (network, key, keepFrom) => of(network).log.findOrMake(key).trim(keepFrom),
    cannot: {
      "foreign data in place of the log is unreadable": typed,
      "foreign data in place of a cursor is unreadable, and hurts nobody else": typed,
      "a frozen server: `unavailable` at the deadline; when it thaws, all is well": noServer,
      "a restart of the server heals by itself, and is told": noServer,
    },
    close: async () => {},
  };
}

/**
 * @param nodeUrl the same, as a node comes to it
 * @param servers one, or the masters of a cluster
 */
export function redisLog(url: string, nodeUrl: string, servers: readonly RedisServer[]): LogBackend & Ends {
  const client = clientOf(url);
  const mishapsOf = (network: string) => new Mishaps(client, new KeySpace(network, PARTITIONS));
  return {
    name: nameOf(url),
    clock,
    partitions: PARTITIONS,
    async open(network) {
      const { store, log } = await openNetwork(nodeUrl, network);
      if (log === null) throw new Error("the network keeps no log");
      return { store, ...log };
    },
    rollBackLog: (network, partition, entry) => mishapsOf(network).rollBackLog(partition, entry),
    plant: (network, partition, callId, lines) => mishapsOf(network).plantEntry(partition, callId, lines),
    trimRecords: (network, key, keepFrom) => mishapsOf(network).trim(key, keepFrom),
    spoil: (network, partition, part) => mishapsOf(network).spoilLog(partition, part),
    server: faultsOf(servers),
    cannot: {},
    close: async () => client.disconnect(),
  };
}
