// The backends of membership and leases, for the laws: opened as a node opens them, and connections of the test's own.

import type { Cluster, Redis } from "ioredis";
import type { LeasesBackend } from "../../src/laws/leases/law.ts";
import type { MembershipBackend } from "../../src/laws/membership/law.ts";
import { MemoryClaims, MemoryLeases } from "../../src/memory/leases.ts";
import { MemoryMembers, MemoryMembership } from "../../src/memory/membership.ts";
import { systemClock } from "../../src/node/clock.ts";
import { KeySpace, metaKey } from "../../src/redis/keys.ts";
import { openRegistry, type Registry } from "../../src/redis/registry.ts";
import type { Ends } from "./open-backend.ts";
import { clientOf, faultsOf, PARTITIONS } from "./redis-network.ts";
import type { RedisServer } from "./redis-server.ts";

/** One of something for each network, made when it is first asked for. */
function perNetwork<T>(make: () => T): (network: string) => T {
  const made = new Map<string, T>();
  return (network) => {
    const found = made.get(network) ?? make();
    made.set(network, found);
    return found;
  };
}

const noServer = "there is no server that something could befall";
const clock = systemClock;

export function memoryMembership(): MembershipBackend & Ends {
  const membersOf = perNetwork(() => new MemoryMembers(clock));
  return {
    name: "memory",
    clock,
    open: async (network) => new MemoryMembership(clock, membersOf(network)),
    cannot: {
      "members that cannot be read are left out, and fields of other versions":
        "its data are typed objects of this process, where nothing foreign can be put",
      "a frozen server: `unavailable` at the deadline; when it thaws, all is well": noServer,
      "a restart of the server heals by itself: announcing, and hints, which are told to be missed": noServer,
    },
    close: async () => {},
  };
}

export function memoryLeases(): LeasesBackend & Ends {
  const claimsOf = perNetwork(() => new MemoryClaims(clock));
  return {
    name: "memory",
    clock,
    partitions: PARTITIONS,
    open: async (network, leaseMs) => new MemoryLeases(clock, claimsOf(network), leaseMs),
    remaining: async (network, partition) => claimsOf(network).remaining(partition),
    end: async (network, partition) => claimsOf(network).free(partition),
    cannot: {
      "a frozen server: `unavailable` at the deadline; when it thaws, claims stand and more can be made":
        noServer,
      "a restart of the server heals by itself, and a claim that it remembers is extended": noServer,
    },
    close: async () => {},
  };
}

/** A Redis, or several that make a cluster, or several of which each is for itself. */
export interface Servers {
  readonly name: string;
  readonly all: readonly RedisServer[];
  /** The URL of each group that has its own data. */
  readonly urls: readonly string[];
  /** The same, as a node comes to it. */
  readonly nodeUrls: readonly string[];
}

export function redisMembership(servers: Servers): MembershipBackend & Ends {
  const clients = new Clients(servers);
  return {
    name: servers.name,
    clock,
    open: async (network) => {
      const { membership, leases } = await open(servers, network, 1_000);
      await leases.close();
      return membership;
    },
    async plant(network, id, text) {
      const [client] = clients.all;
      await client?.hset(metaKey(network, "nodes"), id, text);
      await client?.zadd(metaKey(network, "beats"), Date.now() + 3_600_000, id);
    },
    server: faultsOf(servers.all),
    cannot: {},
    close: () => clients.close(),
  };
}

export function redisLeases(servers: Servers): LeasesBackend & Ends {
  const clients = new Clients(servers);
  const keyOf = (network: string, partition: number) => new KeySpace(network, PARTITIONS).lease(partition);
  return {
    name: servers.name,
    clock,
    partitions: PARTITIONS,
    open: async (network, leaseMs) => {
      const { membership, leases } = await open(servers, network, leaseMs);
      await membership.close();
      return leases;
    },
    async remaining(network, partition) {
      const each = await Promise.all(clients.all.map((client) => client.pttl(keyOf(network, partition))));
      // That of the quorum: the smaller half may end, or never have begun.
      const quorum = each.toSorted((a, b) => b - a)[Math.floor(each.length / 2)];
      return Math.max(0, quorum ?? 0);
    },
    async end(network, partition) {
      await Promise.all(clients.all.map((client) => client.del(keyOf(network, partition))));
    },
    server: faultsOf(servers.all),
    cannot: {},
    close: () => clients.close(),
  };
}

async function open({ nodeUrls }: Servers, network: string, leaseMs: number): Promise<Registry> {
  const [redis = ""] = nodeUrls;
  return await openRegistry({
    redis,
    leaseServers: nodeUrls,
    network,
    partitions: PARTITIONS,
    leaseMs,
    clock,
    timeoutMs: 10_000,
  });
}

/** Connections of the test's own. */
class Clients {
  readonly all: readonly (Redis | Cluster)[];

  constructor(servers: Servers) {
    this.all = servers.urls.map(clientOf);
  }

  async close(): Promise<void> {
    for (const client of this.all) client.disconnect();
  }
}
