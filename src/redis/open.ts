// From what the user gave to a log that is fit to be used, or a sentence that says what to mend.

import type { Cluster } from "ioredis";
import { PachydermError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { AppendHints } from "./append-hints.ts";
import { Connector, type RedisInput } from "./connection.ts";
import { RedisCursors } from "./cursors.ts";
import { RedisDurability } from "./durability.ts";
import { RedisEventStore } from "./event-store.ts";
import { RedisJobs } from "./jobs.ts";
import { KeySpace } from "./keys.ts";
import { RedisLogReader } from "./log-reader.ts";
import { agreeOnSettings, type NetworkSettings, writeSettings } from "./network-settings.ts";
import { connect, withDeadline } from "./reach.ts";
import { type Finding, fsyncRefusal, judge } from "./requirements.ts";
import type { Client } from "./script.ts";
import { factsOf, settingOf } from "./server-facts.ts";
import { RedisTimers } from "./timers.ts";
import { tryJobs } from "./trial.ts";
import { RedisViews } from "./views.ts";

export interface OpenOptions {
  readonly redis: RedisInput;
  readonly network: string;
  readonly settings: NetworkSettings;
  readonly clock: Clock;
  readonly nextId: () => string;
  /** Whether commits are to be expected that put jobs on queues: then that is tried before anything relies on it. */
  readonly durable?: boolean;
  /** Milliseconds for which a job's run is its worker's without a sign of life. Default 10,000. */
  readonly lockMs?: number;
  /** Milliseconds until `open` gives up. */
  readonly timeoutMs: number;
}

export interface Opened {
  readonly store: RedisEventStore;
  readonly jobs: RedisJobs;
  readonly timers: RedisTimers;
  readonly views: RedisViews;
  /** The network's log; null where it keeps none. Its connections are made when they are first needed. */
  readonly log: { readonly reader: RedisLogReader; readonly cursors: RedisCursors } | null;
  readonly durability: RedisDurability;
  /** What is not as it should be, and does not break a promise. */
  readonly warnings: readonly string[];
}

/**
 * Connects, checks the server (all masters of a cluster), agrees on the network's settings.
 *
 * @throws PachydermError STORE_UNAVAILABLE (not there, or no answer in time), UNAUTHORIZED (wrong password or ACL),
 * UNSUPPORTED_REDIS, CONFIG_MISMATCH, INVALID_OPTIONS
 */
export async function openRedis(options: OpenOptions): Promise<Opened> {
  const connector = new Connector(options.redis);
  const commits = connector.client("commits");
  const reads = connector.client("reads");
  const queues = connector.jobsClient();
  try {
    const clients = { commits, reads, queues };
    return await withDeadline(prepare(options, connector, clients), options.timeoutMs, [commits]);
  } catch (thrown) {
    for (const client of [commits, reads, queues]) client.disconnect();
    throw thrown;
  }
}

async function prepare(
  options: OpenOptions,
  connector: Connector,
  { commits, reads, queues }: { readonly commits: Client; readonly reads: Client; readonly queues: Client },
): Promise<Opened> {
  await Promise.all([connect(commits), connect(reads)]);
  const { findings, fsyncRefusal } = await inspect(reads);
  const refused = findings.filter(({ level }) => level === "refuse");
  if (refused.length > 0) throw new PachydermError("UNSUPPORTED_REDIS", sentences(refused).join("; "));
  const { network, settings, clock, nextId, timeoutMs, durable = false, lockMs = 10_000 } = options;
  await agreeOnSettings(commits, network, settings);
  const space = new KeySpace(network, settings.partitions);
  const { isCluster } = connector;
  // A Redis that was emptied under a live node has lost the settings too; a node with others could then start beside it,
  // and look for the same entities under other keys.
  const onLoss = (client: Client) => writeSettings(client, network, settings);
  const { log, partitions } = settings;
  const hints = new AppendHints();
  const jobs = new RedisJobs({ client: queues, space, partitions, clock, lockMs });
  const onJobs = (partition: number) => jobs.wake(partition);
  const { lanes, calls } = await lanesFor(reads);
  const parts = { commits, reads, isCluster, lanes, calls, space, log, hints, onLoss, onJobs, clock, nextId };
  const store = new RedisEventStore(parts);
  // Half of the time: what is wrong must still be told in time.
  await store.probe(clock.monotonicMs() + timeoutMs / 2);
  if (durable) await tryJobs(network, commits, queues, await store.withJobs(), nextId());
  const timers = new RedisTimers({ client: reads, isCluster, space, clock });
  const views = new RedisViews({ client: reads, isCluster, space, clock });
  const shared = { isCluster, space, clock };
  const readers = log
    ? {
        reader: new RedisLogReader({ ...shared, client: connector.client("log"), hints }),
        cursors: new RedisCursors({ ...shared, client: connector.client("cursors") }),
      }
    : null;
  const masters = () => connector.masters("durability", reads);
  const durability = new RedisDurability({ space, clock, masters, fsyncRefusal });
  return { store, jobs, timers, views, log: readers, durability, warnings: sentences(findings) };
}

/**
 * With two calls under way Node and Redis wait for each other now and then, with three they hardly do. But where each call
 * ends with a sync of the disk, fewer and larger calls are worth more than that: two, of whatever is there. See
 * docs/decisions/0005.
 */
async function lanesFor(client: Client): Promise<{ readonly lanes: number; readonly calls: number }> {
  if (client.isCluster) return { lanes: 1, calls: 1 }; // a lane there is a partition
  if ((await settingOf(client, "appendfsync")) === "always") return { lanes: 1, calls: 2 };
  return { lanes: 3, calls: 1 };
}

function sentences(findings: readonly Finding[]): string[] {
  return findings.map(({ sentence }) => sentence);
}

interface Inspected {
  readonly findings: readonly Finding[];
  readonly fsyncRefusal: string | null;
}

/** The findings of every master; one server's doubt is the network's. */
async function inspect(client: Client): Promise<Inspected> {
  const masters = client.isCluster ? (client as Cluster).nodes("master") : [client];
  const facts = await Promise.all(masters.map(factsOf));
  const found = facts.flatMap(judge);
  const bySentence = new Map(found.map((finding) => [finding.sentence, finding]));
  const refusals = facts.map(fsyncRefusal).filter((refusal) => refusal !== null);
  return { findings: [...bySentence.values()], fsyncRefusal: refusals[0] ?? null };
}
