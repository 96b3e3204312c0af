// For tests that need a Redis, and do nothing to the server itself.

import { RedisServer } from "./redis-server.ts";

export interface SomeRedis {
  readonly url: string;
  /** Ends it, if it was started here. */
  readonly stop: () => Promise<void>;
}

/** The one that PACHYDERM_REDIS_URL names; else one of its own. */
export async function someRedis(): Promise<SomeRedis> {
  const given = process.env["PACHYDERM_REDIS_URL"];
  if (given !== undefined && given !== "") return { url: given, stop: async () => {} };
  const server = await RedisServer.start();
  return { url: server.url, stop: () => server.stop() };
}
