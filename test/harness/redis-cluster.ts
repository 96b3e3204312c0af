// A private Redis Cluster: three masters, each with a third of the slots, and verbs for what can befall it.

import { Cluster, type Redis } from "ioredis";
import { RedisServer, type RedisServerOptions } from "./redis-server.ts";
import { until } from "./until.ts";

const SLOTS = 16_384;
const MASTERS = 3;
/** Keys that one MIGRATE takes: few, so that a slot is in two places for many steps. */
const MOVED_AT_ONCE = 2;

export interface RedisClusterOptions extends Omit<RedisServerOptions, "cluster"> {
  /** A replica for each master. Default false. */
  readonly replicas?: boolean;
}

export class RedisCluster {
  /** As it was made: who is a master may change, by `failOver` and by a death. */
  readonly masters: readonly RedisServer[];
  /** Of the master at the same place; empty without replicas. */
  readonly replicas: readonly RedisServer[];

  private constructor(masters: readonly RedisServer[], replicas: readonly RedisServer[]) {
    this.masters = masters;
    this.replicas = replicas;
  }

  /** Starts the servers and makes them one cluster; all of them are ready when this settles. */
  static async start({ replicas = false, ...options }: RedisClusterOptions = {}): Promise<RedisCluster> {
    const count = replicas ? 2 * MASTERS : MASTERS;
    const starts = Array.from({ length: count }, () => RedisServer.start({ ...options, cluster: true }));
    const settled = await Promise.allSettled(starts);
    const servers = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const cluster = new RedisCluster(servers.slice(0, MASTERS), servers.slice(MASTERS));
    try {
      await Promise.all(starts);
      await cluster.#join();
      return cluster;
    } catch (thrown) {
      await cluster.stop();
      throw thrown;
    }
  }

  /** The addresses of the masters that it was made with, comma-separated: as `redis` of `Pachyderm.start` takes a cluster. */
  get url(): string {
    return this.masters.map(({ url }) => url).join(",");
  }

  get servers(): readonly RedisServer[] {
    return [...this.masters, ...this.replicas];
  }

  /** The same, by the user of `RedisServer.nodeUrl`. */
  get nodeUrl(): string {
    return this.masters.map(({ nodeUrl }) => nodeUrl).join(",");
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  /** All of its servers. */
  freeze(): void {
    for (const server of this.servers) server.freeze();
  }

  thaw(): void {
    for (const server of this.servers) server.thaw();
  }

  /** Of the first master that it was made with: a line that can be cut leads to no other one. */
  get port(): number {
    return this.masters[0]?.port ?? 0;
  }

  /** Asks the cluster something, on connections of its own. */
  async ask<T>(question: (client: Cluster) => Promise<T>): Promise<T> {
    const client = new Cluster(this.servers.filter(({ pid }) => pid !== undefined).map(({ url }) => url));
    client.on("error", () => {}); // the question fails, and says so
    try {
      return await question(client);
    } finally {
      client.disconnect();
    }
  }

  /** The server that has a slot now, as the others say. */
  async ownerOf(slot: number): Promise<RedisServer> {
    const running = this.servers.filter(({ pid }) => pid !== undefined);
    for (const server of running) {
      const ranges = await server.ask((client) => client.cluster("SLOTS"));
      const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2]?.[1];
      const owner = this.servers.find((one) => one.port === port);
      if (owner !== undefined && owner.pid !== undefined) return owner;
    }
    throw new Error(`nobody has the slot ${slot}`);
  }

  /**
   * Moves a slot to another server while it is used, key by key, as `redis-cli --cluster reshard` does
   * (https://redis.io/docs/latest/commands/cluster-setslot/).
   *
   * @param between called after each step
   * @returns how many keys were moved
   */
  async migrate(
    slot: number,
    to: RedisServer,
    between: () => Promise<void> = async () => {},
  ): Promise<number> {
    const from = await this.ownerOf(slot);
    if (from === to) return 0;
    const [source, target] = await Promise.all(
      [from, to].map((server) => server.ask((client) => client.cluster("MYID"))),
    );
    await to.ask((client) => client.cluster("SETSLOT", slot, "IMPORTING", String(source)));
    await from.ask((client) => client.cluster("SETSLOT", slot, "MIGRATING", String(target)));
    const moved = await from.ask((client) => moveKeys(client, slot, to.port, between));
    // The new owner first: it raises its epoch, and whoever is asked in between sends people on to it.
    for (const server of [to, from, ...this.masters]) {
      if (server.pid === undefined) continue;
      await server
        .ask((client) => client.cluster("SETSLOT", slot, "NODE", String(target)))
        .catch((thrown: unknown) => {
          if (server === to || server === from) throw thrown; // a replica by now: it hears by gossip
        });
    }
    return moved;
  }

  /** The replica takes over from its master, and loses nothing; settles when both say so. */
  async failOver(place: number): Promise<void> {
    const [master, replica] = [this.masters[place], this.replicas[place]];
    if (master === undefined || replica === undefined) throw new Error(`there is no replica ${place}`);
    await replica.ask((client) => client.cluster("FAILOVER"));
    await until(
      "the replica is the master",
      async () => (await roleOf(replica)) === "master" && (await roleOf(master)) === "slave",
    );
  }

  /** Settles when a replica has become the master; the cluster serves all slots again. */
  async takenOver(place: number): Promise<void> {
    const replica = this.replicas[place];
    if (replica === undefined) throw new Error(`there is no replica ${place}`);
    await until(
      "the replica has taken over",
      async () => (await roleOf(replica)) === "master" && (await isWhole(replica)),
      20_000,
    );
  }

  async #join(): Promise<void> {
    await Promise.all(
      this.masters.map((master, i) => master.ask((client) => client.cluster("ADDSLOTSRANGE", ...share(i)))),
    );
    // Each meets each: left to gossip alone, the last two would take a second longer to hear of each other.
    for (const server of this.servers) {
      for (const other of this.servers) {
        if (server === other) continue;
        await server.ask((client) => client.cluster("MEET", "127.0.0.1", other.port, other.busPort));
      }
    }
    await until("all servers of the cluster agree", async () => {
      const states = await Promise.all(
        this.servers.map((server) => server.ask((client) => client.cluster("INFO"))),
      );
      return states.every(
        (state) => saysWhole(state) && state.includes(`cluster_known_nodes:${this.servers.length}`),
      );
    });
    await this.#follow();
  }

  async #follow(): Promise<void> {
    for (const [place, replica] of this.replicas.entries()) {
      const id = await this.masters[place]?.ask((client) => client.cluster("MYID"));
      await replica.ask((client) => client.cluster("REPLICATE", String(id)));
    }
    await until("the replicas follow", async () => {
      const links = await Promise.all(this.replicas.map((replica) => replica.info("master_link_status")));
      const heard = await Promise.all(
        this.servers.map((server) => server.ask((client) => client.cluster("SLOTS"))),
      );
      const all = heard.every((ranges) =>
        (ranges as unknown[][]).every((range) => this.replicas.length === 0 || range.length === 4),
      );
      return links.every((link) => link === "up") && all;
    });
  }
}

async function moveKeys(
  source: Redis,
  slot: number,
  port: number,
  between: () => Promise<void>,
): Promise<number> {
  for (let moved = 0; ; ) {
    const keys = (await source.cluster("GETKEYSINSLOT", slot, MOVED_AT_ONCE)) as string[];
    if (keys.length === 0) return moved;
    await source.migrate("127.0.0.1", port, "", 0, 5_000, "KEYS", ...keys);
    moved += keys.length;
    await between();
  }
}

async function roleOf(server: RedisServer): Promise<string | undefined> {
  return await server.info("role");
}

async function isWhole(server: RedisServer): Promise<boolean> {
  return saysWhole(await server.ask((client) => client.cluster("INFO")));
}

function saysWhole(state: string): boolean {
  return state.includes("cluster_state:ok") && state.includes(`cluster_slots_ok:${SLOTS}`);
}

/** The first and the last slot of a master. */
function share(master: number): readonly [number, number] {
  const from = Math.floor((master * SLOTS) / MASTERS);
  return [from, Math.floor(((master + 1) * SLOTS) / MASTERS) - 1];
}
