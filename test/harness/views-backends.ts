// The backends of views, for the laws: opened as a node opens them, and a connection of the test's own.

import { randomBytes } from "node:crypto";
import type { ViewsBackend } from "../../src/laws/views/law.ts";
import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { MemoryViews } from "../../src/memory/views.ts";
import { systemClock } from "../../src/node/clock.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { Mishaps } from "../../src/redis/mishaps.ts";
import type { Ends } from "./open-backend.ts";
import { clientOf, nameOf, openNetwork, PARTITIONS } from "./redis-network.ts";

const clock = systemClock;

export function memoryViews(): ViewsBackend & Ends {
  const log = new MemoryLog(clock);
  return {
    name: "memory",
    clock,
    partitions: PARTITIONS,
    open: async () => ({ store: new MemoryEventStore(clock, log), views: new MemoryViews(clock, log) }),
    cannot: {
      "foreign data refuses the commit that has to do with it, whole, and is unreadable":
        "its data are typed objects of this process, where nothing foreign can be put",
      "a list of what is behind that is foreign refuses repairs, and nothing beside them":
        "its data are typed objects of this process, where nothing foreign can be put",
    },
    close: async () => {},
  };
}

/** @param url several, comma-separated: a cluster */
export function redisViews(url: string): ViewsBackend & Ends {
  const network = `views-${randomBytes(6).toString("hex")}`;
  const client = clientOf(url);
  const mishaps = new Mishaps(client, new KeySpace(network, PARTITIONS));
  return {
    name: nameOf(url),
    clock,
    partitions: PARTITIONS,
    open: () => openNetwork(url, network),
    spoil: (partition, view, part) => mishaps.spoilView(partition, view, part),
    cannot: {},
    async close() {
      client.disconnect();
    },
  };
}
