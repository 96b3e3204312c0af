// A look at the servers behind an address: what they say of themselves, and what is to be changed. Changes nothing.

import type { Cluster, Redis } from "ioredis";
import { Connector, type RedisInput } from "./connection.ts";
import { connect, withDeadline } from "./reach.ts";
import { type Finding, judge, type ServerFacts } from "./requirements.ts";
import { factsOf, settingOf } from "./server-facts.ts";

export interface CheckUpOptions {
  readonly redis: RedisInput;
  /** Milliseconds until it gives up. */
  readonly timeoutMs: number;
  /** The wall clock of this machine, epoch ms. */
  readonly now: () => number;
}

/** One server: the only one, or a master of a cluster. */
export interface ServerReport {
  /** `host:port`. */
  readonly server: string;
  readonly facts: ServerFacts;
  /** `appendfsync`; undefined where it is not told. */
  readonly fsync: string | undefined;
  readonly findings: readonly Finding[];
  /** By how many milliseconds its clock is ahead of this machine's. */
  readonly aheadMs: number;
}

export interface CheckUp {
  readonly servers: readonly ServerReport[];
  /** Of a Redis Cluster; null: it is none. */
  readonly cluster: ClusterReport | null;
}

export interface ClusterReport {
  /** `ok`, or `fail`. */
  readonly state: string;
  /** Slots that a master has, of 16,384. */
  readonly slots: number;
  /** Replicas, of all masters together. */
  readonly replicas: number;
}

/** @throws PachydermError STORE_UNAVAILABLE (not there, or no answer in time), UNAUTHORIZED, INVALID_OPTIONS */
export async function checkUp({ redis, timeoutMs, now }: CheckUpOptions): Promise<CheckUp> {
  const client = new Connector(redis).client("check-up");
  const look = async (): Promise<CheckUp> => {
    await connect(client);
    const masters = client.isCluster ? (client as Cluster).nodes("master") : [client as Redis];
    const servers = await Promise.all(masters.map((master) => reportOf(master, now)));
    return { servers, cluster: client.isCluster ? await clusterReport(client as Cluster) : null };
  };
  try {
    return await withDeadline(look(), timeoutMs, [client]);
  } finally {
    client.disconnect();
  }
}

async function reportOf(server: Redis, now: () => number): Promise<ServerReport> {
  const facts = await factsOf(server);
  const { host = "", port = "" } = server.options;
  return {
    server: `${host}:${port}`,
    facts,
    fsync: await settingOf(server, "appendfsync"),
    findings: judge(facts),
    aheadMs: await aheadOf(server, now),
  };
}

/** The time was told at some moment between question and answer: the middle is taken. */
async function aheadOf(server: Redis, now: () => number): Promise<number> {
  const before = now();
  const [seconds, micros] = (await server.time()) as unknown[];
  const middle = (before + now()) / 2;
  return Math.round(Number(seconds) * 1_000 + Number(micros) / 1_000 - middle);
}

async function clusterReport(client: Cluster): Promise<ClusterReport> {
  const info = await client.cluster("INFO");
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
  return {
    state: field("cluster_state"),
    slots: Number(field("cluster_slots_assigned")),
    replicas: client.nodes("slave").length,
  };
}
