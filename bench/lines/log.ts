// The raw line of a subscription: XREAD of the logs, pipelined XRANGE of what their entries name, JSON.parse of the events.

import { Redis } from "ioredis";

const PAGE = 256;

/** Reads the logs of a network from their beginnings to their ends, all at once. @returns the events */
export async function readLogs(url: string, network: string): Promise<number> {
  const redis = new Redis(url);
  try {
    const logs = await redis.keys(`{${network}:*}:log`);
    const counts = await Promise.all(logs.map((log) => readLog(redis, log)));
    return counts.reduce((sum, count) => sum + count, 0);
  } finally {
    redis.disconnect();
  }
}

async function readLog(redis: Redis, log: string): Promise<number> {
  const prefix = log.slice(0, -"log".length);
  let count = 0;
  for (let after = "0-0"; ; ) {
    const [answer] = (await redis.xread("COUNT", PAGE, "STREAMS", log, after)) ?? [];
    if (answer === undefined) return count;
    const [, entries] = answer;
    const pipeline = redis.pipeline();
    for (const [id, [, text = ""]] of entries) {
      after = id;
      for (const line of text.split("\n").slice(1)) {
        const [entity = "", , first = "1", records = "1"] = line.split(" ");
        const last = Number(first) + Number(records) - 1;
        pipeline.xrange(`${prefix}e:${entity}`, `${first}-0`, `${last}-0`);
      }
    }
    for (const [, found] of (await pipeline.exec()) ?? []) {
      for (const [, [, text = ""]] of found as [string, string[]][]) {
        JSON.parse(text.split("\n", 2)[1] ?? "");
        count += 1;
      }
    }
  }
}
