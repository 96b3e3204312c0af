// From what the user gave to a log that is fit to be used, or a sentence that says what to mend.

import type { Cluster } from "ioredis";
import { PachydermError, reasonOf } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { Connector, type RedisInput } from "./connection.ts";
import { RedisEventStore } from "./event-store.ts";
import { codeOf } from "./failure.ts";
import { KeySpace } from "./keys.ts";
import { agreeOnSettings, type NetworkSettings, writeSettings } from "./network-settings.ts";
import { type Finding, judge, readInfo, type ServerFacts } from "./requirements.ts";
import type { Client } from "./script.ts";

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
    return await withDeadline(prepare(options, connector, commits, reads), options.timeoutMs, commits);
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
  const store = new RedisEventStore({ commits, reads, isCluster, space, log, onLoss, clock, nextId });
  // Half of the time: what is wrong must still be told in time.
  await store.probe(clock.monotonicMs() + timeoutMs / 2);
  return { store, warnings: sentences(findings) };
}

function sentences(findings: readonly Finding[]): string[] {
  return findings.map(({ sentence }) => sentence);
}

/** ioredis tries again for ever, which `start` must not; but a password that is refused once is refused for good. */
async function connect(client: Client): Promise<void> {
  const { promise: refused, reject } = Promise.withResolvers<never>();
  const listen = (error: Error): void => {
    const failure = lastOf(error);
    if (isRefusal(failure)) reject(unauthorized(failure));
    else if (codeOf(failure) === "ERR" && / AUTH /.test(failure.message)) reject(unauthorized(failure));
  };
  client.on("error", listen);
  try {
    await Promise.race([refused, ready(client)]);
  } finally {
    client.off("error", listen);
  }
}

/** connect() settles with the first try; the tries after it are known by the event. */
async function ready(client: Client): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.once("ready", () => resolve());
  client.connect().catch(() => {}); // told of by "error", and by the deadline
  await promise;
}

/** A cluster's error hides the one of the node that it asked last. */
function lastOf(error: Error): Error {
  return "lastNodeError" in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}

/** Of the credentials, or of what their owner may do. */
function isRefusal(error: Error): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM)$/.test(codeOf(error));
}

function unauthorized(cause: Error): PachydermError {
  const what =
    "Redis refused the user name or the password: give both in the redis URL or options, and check the ACL";
  return new PachydermError("UNAUTHORIZED", `${what} (${cause.message})`, { cause });
}

/** The findings of every master; one server's doubt is the network's. */
async function inspect(client: Client): Promise<readonly Finding[]> {
  const masters = client.isCluster ? (client as Cluster).nodes("master") : [client];
  const found = await Promise.all(masters.map(async (master) => judge(await factsOf(master))));
  const bySentence = new Map(found.flat().map((finding) => [finding.sentence, finding]));
  return [...bySentence.values()];
}

async function factsOf(master: Client): Promise<ServerFacts> {
  const facts = readInfo(await master.info());
  try {
    const [, bytes] = (await master.config("GET", "stream-node-max-bytes")) as string[];
    return { ...facts, streamNodeMaxBytes: bytes === undefined ? undefined : Number(bytes) };
  } catch {
    return facts; // hosted servers and strict ACLs refuse CONFIG; INFO has told what matters most
  }
}

async function withDeadline<T>(work: Promise<T>, ms: number, client: Client): Promise<T> {
  let last: Error | undefined;
  const listen = (error: Error): void => {
    last = lastOf(error);
  };
  client.on("error", listen);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(notThere(ms, last)), ms);
  try {
    return await Promise.race([work, late]);
  } catch (thrown) {
    work.catch(() => {}); // it lost the race, and ends when its connections do
    throw thrown instanceof PachydermError ? thrown : storeFailed(thrown);
  } finally {
    clearTimeout(timer);
    client.off("error", listen);
  }
}

function notThere(ms: number, last: Error | undefined): PachydermError {
  const why = last === undefined ? "no answer came" : last.message;
  return new PachydermError(
    "STORE_UNAVAILABLE",
    `Redis could not be reached within ${ms} ms (${why}): check that it runs, and the address in \`redis\``,
    last === undefined ? {} : { cause: last },
  );
}

function storeFailed(thrown: unknown): PachydermError {
  if (thrown instanceof Error && isRefusal(thrown)) return unauthorized(thrown);
  return new PachydermError("STORE_UNAVAILABLE", `Redis failed while starting: ${reasonOf(thrown)}`, {
    cause: thrown,
  });
}
