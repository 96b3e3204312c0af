// A Redis that loses what it had acknowledged, under a node: a file that is cut, a replica that lagged behind.

import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { Pachyderm, StartOptions } from "../../src/index.ts";
import { startNode } from "./bookkeeper.ts";
import { TcpProxy } from "./proxy.ts";
import { RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

/** Long enough for a restart of Redis; nothing here waits for it to pass. */
const TIMEOUT_MS = 10_000;

/** A node with a warm worker, and a Redis that can lose what came after `remember`. */
export interface Stage {
  readonly server: RedisServer;
  /** How the node reaches it. */
  readonly url: string;
  readonly node: Pachyderm;
  readonly remember: () => Promise<void>;
  readonly lose: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** As after a loss of power: the end of the append-only file is missing. */
export async function cutFile(network: string, options: StartOptions = {}): Promise<Stage> {
  // `always`: what was answered is in the file, so that its length is that of the last answer.
  const server = await RedisServer.start({ config: { appendfsync: "always" } });
  const node = await startNode(server.url, network, { timeoutMs: TIMEOUT_MS, ...options });
  let kept = 0;
  return {
    server,
    url: server.url,
    node,
    remember: async () => {
      kept = statSync(appendOnlyFile(server)).size;
    },
    lose: async () => {
      await server.kill();
      truncateSync(appendOnlyFile(server), kept);
      await server.restart();
    },
    stop: async () => {
      await node.stop();
      await server.stop();
    },
  };
}

function appendOnlyFile({ folder }: RedisServer): string {
  const directory = join(folder, "appendonlydir");
  const name = readdirSync(directory).find((file) => file.endsWith(".incr.aof"));
  return join(directory, name ?? "none");
}

/** As after a failover to a replica that lagged behind: a line leads to one master first, then to another. */
export async function promoteReplica(network: string, options: StartOptions = {}): Promise<Stage> {
  const master = await RedisServer.start({ config: { "repl-diskless-sync-delay": "0" } });
  const replica = await RedisServer.start();
  const line = await TcpProxy.start(master.port);
  const node = await startNode(line.url, network, { timeoutMs: TIMEOUT_MS, ...options });
  await replica.ask((redis) => redis.call("REPLICAOF", "127.0.0.1", `${master.port}`));
  return {
    server: replica,
    url: line.url,
    node,
    remember: async () => {
      await until(
        "the replica has everything",
        async () => (await offsetOf(replica)) === (await offsetOf(master)),
      );
      // From here on it lags: it asks a port where nobody is.
      await replica.ask((redis) => redis.call("REPLICAOF", "127.0.0.1", "1"));
    },
    lose: async () => {
      await master.kill();
      await replica.ask((redis) => redis.call("REPLICAOF", "NO", "ONE"));
      line.retarget(replica.port);
      line.cut();
    },
    stop: async () => {
      await node.stop();
      await line.stop();
      await master.stop();
      await replica.stop();
    },
  };
}

async function offsetOf(server: RedisServer): Promise<number> {
  const linked = await server.info("master_link_status");
  if (linked !== undefined && linked !== "up") return -1;
  return Number((await server.info("slave_repl_offset")) ?? (await server.info("master_repl_offset")) ?? -1);
}
