// From what the user gave to a log that is fit to be used, or a sentence that says what to mend.

import type { Cluster } from "ioredis";
import { PachydermError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { AppendHints } from "./append-hints.ts";
import { Connector, type RedisInput } from "./connection.ts";
import { RedisCursors } from "./cursors.ts";
import { RedisEventStore } from "./event-store.ts";
import { KeySpace } from "./keys.ts";
import { RedisLogReader } from "./log-reader.ts";
import { agreeOnSettings, type NetworkSettings, writeSettings } from "./network-settings.ts";
import { connect, withDeadline } from "./reach.ts";
import { type Finding, judge } from "./requirements.ts";
import type { Client } from "./script.ts";
import { factsOf } from "./server-facts.ts";

export interface OpenOptions {
  readonly redis: RedisInput;
  readonly network: string;
  readonly settings: NetworkSettings;
  readonly clock: Clock;
  readonly nextId: () => string;
  /** Milliseconds until `open` gives up. */
  readonly timeoutMs: number;
}

export interface Opened {
  readonly store: RedisEventStore;
  /** The network's log; null where it keeps none. Its connections are made when they are first needed. */
  readonly log: { readonly reader: RedisLogReader; readonly cursors: RedisCursors } | null;
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
  try {
    return await withDeadline(prepare(options, connector, commits, reads), options.timeoutMs, [commits]);
  } catch (thrown) {
    commits.disconnect();
    reads.disconnect();
    throw thrown;
  }
}

async function prepare(
  options: OpenOptions,
  connector: Connector,
  commits: Client,
  reads: Client,
): Promise<Opened> {
  await Promise.all([connect(commits), connect(reads)]);
  const findings = await inspect(reads);
  const refused = findings.filter(({ level }) => level === "refuse");
  if (refused.length > 0) throw new PachydermError("UNSUPPORTED_REDIS", sentences(refused).join("; "));
  const { network, settings, clock, nextId, timeoutMs } = options;
  await agreeOnSettings(commits, network, settings);
  const space = new KeySpace(network, settings.partitions);
  const { isCluster } = connector;
  // A Redis that was emptied under a live node has lost the settings too; a node with others could then start beside it,
  // and look for the same entities under other keys.
  const onLoss = (client: Client) => writeSettings(client, network, settings);
  const { log } = settings;
  const hints = new AppendHints();
  const store = new RedisEventStore({ commits, reads, isCluster, space, log, hints, onLoss, clock, nextId });
  // Half of the time: what is wrong must still be told in time.
  await store.probe(clock.monotonicMs() + timeoutMs / 2);
  const shared = { isCluster, space, clock };
  const readers = log
    ? {
        reader: new RedisLogReader({ ...shared, client: connector.client("log"), hints }),
        cursors: new RedisCursors({ ...shared, client: connector.client("cursors") }),
      }
    : null;
  return { store, log: readers, warnings: sentences(findings) };
}

function sentences(findings: readonly Finding[]): string[] {
  return findings.map(({ sentence }) => sentence);
}

/** The findings of every master; one server's doubt is the network's. */
async function inspect(client: Client): Promise<readonly Finding[]> {
  const masters = client.isCluster ? (client as Cluster).nodes("master") : [client];
  const found = await Promise.all(masters.map(async (master) => judge(await factsOf(master))));
  const bySentence = new Map(found.flat().map((finding) => [finding.sentence, finding]));
  return [...bySentence.values()];
}
