// For tests that need a Redis, and do nothing to the server itself.

import { RedisServer } from "./redis-server.ts";

export interface SomeRedis {
  readonly url: string;
  /** By a user that may do no more than a node must, if it was started here: see `RedisServer.nodeUrl`. */
  readonly nodeUrl: string;
  /** Ends it, if it was started here. */
  readonly stop: () => Promise<void>;
}

/** The one that PACHYDERM_REDIS_URL names; else one of its own. */
export async function someRedis(): Promise<SomeRedis> {
  const given = process.env["PACHYDERM_REDIS_URL"];
  if (given !== undefined && given !== "") return { url: given, nodeUrl: given, stop: async () => {} };
  const server = await RedisServer.start({ nodeUser: true });
  return { url: server.url, nodeUrl: server.nodeUrl, stop: () => server.stop() };
}
