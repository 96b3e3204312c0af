// The Redis of a script: the one that PACHYDERM_REDIS_URL names, else a private one that is gone afterwards.

import { Redis } from "ioredis";
import { RedisServer } from "../../test/harness/redis-server.ts";

export interface ScriptRedis {
  readonly url: string;
  /** Where it is, in words. */
  readonly place: string;
  /** Whether it ends with the script, and all that is in it. */
  readonly isPrivate: boolean;
  /** Leaves nothing behind: stops the private one, or removes the keys of this network. */
  tidy(network: string): Promise<void>;
}

export async function scriptRedis(): Promise<ScriptRedis> {
  const url = process.env["PACHYDERM_REDIS_URL"];
  if (url === undefined || url === "") return await privateRedis();
  if (url.includes(","))
    throw new Error("this takes the URL of one Redis, and PACHYDERM_REDIS_URL names several");
  const place = `${withoutPassword(url)} (PACHYDERM_REDIS_URL)`;
  return { url, place, isPrivate: false, tidy: (network) => removeKeys(url, network) };
}

function withoutPassword(url: string): string {
  const parsed = new URL(url);
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

async function removeKeys(url: string, network: string): Promise<void> {
  const redis = new Redis(url);
  try {
    for await (const keys of redis.scanStream({ match: `{${network}:*`, count: 1000 })) {
      if (Array.isArray(keys) && keys.length > 0) await redis.unlink(keys.map(String));
    }
  } finally {
    await redis.quit();
  }
}

async function privateRedis(): Promise<ScriptRedis> {
  const server = await RedisServer.start();
  return {
    url: server.url,
    place: `a private redis-server on 127.0.0.1:${server.port}, AOF everysec`,
    isPrivate: true,
    tidy: () => server.stop(),
  };
}
