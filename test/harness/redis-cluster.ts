// A private Redis Cluster: three masters, each with a third of the slots, without replicas.

import { RedisServer, type RedisServerOptions } from "./redis-server.ts";
import { until } from "./until.ts";

const SLOTS = 16_384;
const MASTERS = 3;

export class RedisCluster {
  readonly masters: readonly RedisServer[];

  private constructor(masters: readonly RedisServer[]) {
    this.masters = masters;
  }

  /** Starts the masters and makes them one cluster; all of them are ready when this settles. */
  static async start(options: Omit<RedisServerOptions, "cluster"> = {}): Promise<RedisCluster> {
    const starts = Array.from({ length: MASTERS }, () => RedisServer.start({ ...options, cluster: true }));
    const settled = await Promise.allSettled(starts);
    const cluster = new RedisCluster(
      settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
    );
    try {
      await Promise.all(starts);
      await cluster.#join();
      return cluster;
    } catch (thrown) {
      await cluster.stop();
      throw thrown;
    }
  }

  /** The addresses, comma-separated: as `redis` of `Pachyderm.start` takes a cluster. */
  get url(): string {
    return this.masters.map(({ url }) => url).join(",");
  }

  /** The same, by the user of `RedisServer.nodeUrl`. */
  get nodeUrl(): string {
    return this.masters.map(({ nodeUrl }) => nodeUrl).join(",");
  }

  async stop(): Promise<void> {
    await Promise.all(this.masters.map((master) => master.stop()));
  }

  async #join(): Promise<void> {
    await Promise.all(
      this.masters.map((master, i) => master.ask((client) => client.cluster("ADDSLOTSRANGE", ...share(i)))),
    );
    // Each meets each: left to gossip alone, the last two would take a second longer to hear of each other.
    for (const master of this.masters) {
      for (const other of this.masters) {
        if (master === other) continue;
        await master.ask((client) => client.cluster("MEET", "127.0.0.1", other.port, other.busPort));
      }
    }
    await until("all masters of the cluster agree", async () => {
      const states = await Promise.all(
        this.masters.map((master) => master.ask((client) => client.cluster("INFO"))),
      );
      return states.every(
        (state) =>
          state.includes("cluster_state:ok") &&
          state.includes(`cluster_slots_ok:${SLOTS}`) &&
          state.includes(`cluster_known_nodes:${MASTERS}`),
      );
    });
  }
}

/** The first and the last slot of a master. */
function share(master: number): readonly [number, number] {
  const from = Math.floor((master * SLOTS) / MASTERS);
  return [from, Math.floor(((master + 1) * SLOTS) / MASTERS) - 1];
}
