// Connections of our own, made from whatever the user gave: their settings for reaching Redis, ours for safety.

import { Cluster, Redis, type RedisOptions } from "ioredis";
import { PachydermError } from "../core/errors.ts";
import type { Client } from "./script.ts";

/** A server, by a name that is its own, and how to make a connection to it that does not come back when it is lost. */
export interface Master {
  readonly name: string;
  readonly open: () => Redis;
}

/** A URL (several, comma-separated: a Redis Cluster), ioredis options, or an ioredis `Redis` or `Cluster`. */
export type RedisInput = string | RedisOptions | Redis | Cluster;

/**
 * A client that reconnects must not send again by itself: with ioredis's defaults a commit whose answer was lost is
 * run twice, and the second run's conflict would be taken for the first one's. With 0 retries such a call fails at
 * once, as ambiguous, and the store asks again with the same commit id. No queue while offline, for the same reason:
 * what was not written is known not to have run.
 */
const ours = {
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  lazyConnect: true,
  stringNumbers: false,
  replyMapping: "legacy",
  protocol: 2,
  showFriendlyErrorStack: false,
  connectTimeout: 2_000,
  // A line that goes silent while something was asked is given up. Without it one that does so between "connect" and
  // "ready" (its first replies were lost) is waited for until TCP gives up, which may be never.
  socketTimeout: 2_000,
  // What is closed is closed: nothing is under way then that somebody waits for. ioredis's two seconds would hold up a
  // program's end, and the next try beside a frozen Redis.
  disconnectTimeout: 100,
  retryStrategy: (times: number): number => Math.min(20 * 2 ** Math.min(times, 5), 500),
  // After a failover the old master may live on as a replica: its connection must be given up. 1: without sending again.
  reconnectOnError: (error: Error): boolean | 1 | 2 => (error.message.startsWith("READONLY") ? 1 : false),
} as const satisfies RedisOptions;

/** Of a line that its owner makes anew, perhaps to another server. */
const once = { ...ours, retryStrategy: () => null, autoResubscribe: false } as const satisfies RedisOptions;

/**
 * As BullMQ wants its connections: what was asked while the line was away is asked again. That is safe there, because its
 * workers hold a lock on each job, and for nothing else of ours. A worker waits for jobs in one call, for 5 seconds.
 */
const forJobs = {
  ...ours,
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  socketTimeout: 20_000,
} as const satisfies RedisOptions;

type Ours = (typeof ours | typeof once | typeof forJobs) & { readonly connectionName: string };

const oursOnCluster = {
  enableOfflineQueue: false,
  lazyConnect: true,
  // MOVED and ASK are answered before a script runs, so following them is no second run.
  maxRedirections: 16,
  // Sent again by ioredis after a connection was lost, a call may run twice, and what became of the first run is then told
  // by the second one's end: "not committed" would be a lie. 0: not sent again. See script-command.ts for scripts.
  retryDelayOnFailover: 0,
  retryDelayOnClusterDown: 0,
  clusterRetryStrategy: (times: number): number => Math.min(20 * 2 ** Math.min(times, 5), 500),
  redisOptions: { ...ours, lazyConnect: true },
} as const;

/**
 * From now on the socket watches itself only until it is ready: for whoever watches its own calls (caller.ts). Else ioredis
 * starts a timer and a listener for each call that goes alone, and takes them away with its answer. A cluster's stay.
 */
export function watchUntilReady(client: Client): void {
  if (client.isCluster) return;
  const { options } = client as Redis;
  const { socketTimeout } = options;
  const onReady = (): void => {
    delete options.socketTimeout;
  };
  if (client.status === "ready") onReady();
  client.on("ready", onReady);
  client.on("close", () => {
    if (socketTimeout !== undefined) options.socketTimeout = socketTimeout;
  });
}

/** Makes clients, each with a connection of its own (on a cluster: one to each master). */
export class Connector {
  readonly isCluster: boolean;
  readonly #maker: Maker;

  /** @throws PachydermError INVALID_OPTIONS */
  constructor(input: RedisInput) {
    this.#maker = makerOf(input);
    this.isCluster = this.#maker.isCluster;
  }

  /** @param name shown by CLIENT LIST */
  client(name: string): Client {
    const client = this.#maker.make(`pachyderm:${name}`);
    // Each failed call is told of by itself, and ioredis tries to reconnect for as long as it lives; without a
    // listener it would print every attempt.
    client.on("error", () => {});
    client.setMaxListeners(0); // every call that waits for the connection listens for it
    if (client.isCluster) client.on("+node", withAskingHeard);
    return client;
  }

  /** A client for BullMQ's workers and queues, which make duplicates of it. */
  jobsClient(): Client {
    const client = this.#maker.jobs("pachyderm:jobs");
    client.on("error", () => {});
    client.setMaxListeners(0);
    return client;
  }

  /** All masters that a client of this connector knows: one, where there is no cluster. */
  masters(name: string, near: Client): readonly Master[] {
    const known = near.isCluster ? (near as Cluster).nodes("master") : [near as Redis];
    return known.map((master) => ({
      name: `${master.options.host}:${master.options.port}`,
      open: () => {
        const line = master.duplicate({ ...once, connectionName: `pachyderm:${name}` });
        line.on("error", () => {}); // its end tells as much
        return line;
      },
    }));
  }

  /**
   * A single connection that does not come back by itself when it is lost.
   *
   * @param near a client of this connector: on a cluster the line goes to one of the masters that it knows
   * @returns undefined while it knows none
   */
  line(name: string, near: Client): Redis | undefined {
    const line = this.#maker.line(`pachyderm:${name}`, near);
    line?.on("error", () => {}); // its end tells as much
    return line;
  }
}

/**
 * Before a call that is redirected by ASK, ioredis sends ASKING, and leaves the end of that to nobody: where the other
 * master is gone, this process would end, of a rejection that nobody handled (ioredis 6.0.0, cluster/index.js).
 */
function withAskingHeard(master: Redis): void {
  const ask = master.asking.bind(master);
  master.asking = (): ReturnType<Redis["asking"]> => {
    const asked = ask();
    asked.catch(() => {}); // the call itself is told of it
    return asked;
  };
}

interface Maker {
  readonly isCluster: boolean;
  readonly make: (name: string) => Client;
  readonly jobs: (name: string) => Client;
  readonly line: (name: string, near: Client) => Redis | undefined;
}

function makerOf(input: RedisInput): Maker {
  if (typeof input === "string") return fromUrls(input.split(",").map((url) => url.trim()));
  if (typeof input !== "object" || input === null) {
    throw new PachydermError(
      "INVALID_OPTIONS",
      "redis is a URL, ioredis options, or an ioredis Redis or Cluster",
    );
  }
  if (isCluster(input)) {
    refuseKeyPrefix(input.options.redisOptions?.keyPrefix ?? input.options.keyPrefix);
    const make = (name: string) => input.duplicate([], named(input.options.redisOptions, name));
    const jobs = (name: string) => input.duplicate([], namedForJobs(input.options.redisOptions, name));
    return { isCluster: true, make, jobs, line: lineOfCluster };
  }
  if (isRedis(input)) {
    refuseKeyPrefix(input.options.keyPrefix);
    return single((options) => input.duplicate(options));
  }
  refuseKeyPrefix(input.keyPrefix);
  return single((options) => new Redis({ ...input, ...options }));
}

function single(make: (options: Ours) => Redis): Maker {
  return {
    isCluster: false,
    make: (name) => make({ ...ours, connectionName: name }),
    jobs: (name) => make({ ...forJobs, connectionName: name }),
    line: (name) => make({ ...once, connectionName: name }),
  };
}

/** To any of the masters: what is published on one is heard on all. */
function lineOfCluster(name: string, near: Client): Redis | undefined {
  const masters = near.isCluster ? (near as Cluster).nodes("master") : [];
  const master = masters[Math.floor(Math.random() * masters.length)];
  return master?.duplicate({ ...once, connectionName: name });
}

function fromUrls(urls: readonly string[]): Maker {
  for (const url of urls) {
    if (!/^rediss?:\/\/./.test(url)) {
      throw new PachydermError(
        "INVALID_OPTIONS",
        "redis is a URL such as redis://127.0.0.1:6379, or rediss:// for TLS",
      );
    }
  }
  const [first = "", ...rest] = urls;
  if (rest.length === 0) return single((options) => new Redis(first, options));
  for (const url of urls) {
    const { pathname, searchParams } = new URL(url);
    if (/^\/?0?$/.test(pathname) && (searchParams.get("db") ?? "0") === "0") continue;
    throw new PachydermError(
      "INVALID_OPTIONS",
      "several addresses are a Redis Cluster, which has database 0 alone",
    );
  }
  const { username, password, protocol } = new URL(first);
  const credentials: RedisOptions = {
    ...(username === "" ? {} : { username: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === "rediss:" ? { tls: {} } : {}),
  };
  const make = (name: string) => new Cluster([...urls], named(credentials, name));
  const jobs = (name: string) => new Cluster([...urls], namedForJobs(credentials, name));
  return { isCluster: true, make, jobs, line: lineOfCluster };
}

/** Options of a cluster's client; `theirs` is what reaches a single server: credentials, TLS. */
function named(theirs: RedisOptions | undefined, name: string) {
  return {
    ...oursOnCluster,
    redisOptions: { ...theirs, ...oursOnCluster.redisOptions, connectionName: name },
  };
}

function namedForJobs(theirs: RedisOptions | undefined, name: string) {
  return {
    ...oursOnCluster,
    enableOfflineQueue: true,
    redisOptions: { ...theirs, ...forJobs, connectionName: name },
  };
}

/** By what they are and not by `instanceof`: the user's ioredis may be another copy than ours. */
function isCluster(input: object): input is Cluster {
  return "isCluster" in input && input.isCluster === true;
}

function isRedis(input: object): input is Redis {
  return "duplicate" in input && typeof input.duplicate === "function";
}

function refuseKeyPrefix(prefix: unknown): void {
  if (prefix === undefined || prefix === "") return;
  throw new PachydermError(
    "INVALID_OPTIONS",
    "ioredis's keyPrefix would break the hash tags; use `network` instead",
  );
}
