// Keys by a pattern, all of a server's or a cluster's, page by page: for what nobody waits for.

import type { Cluster, Redis } from "ioredis";
import type { Client } from "./script.ts";

/** Keys that Redis looks at in one page: about half a millisecond of it. */
const PAGE = 1_000;

/** A key that was there all the time comes; it may come twice. */
export async function* keysLike(client: Client, pattern: string): AsyncGenerator<readonly string[]> {
  const masters = client.isCluster ? (client as Cluster).nodes("master") : [client as Redis];
  for (const master of masters) {
    for await (const found of master.scanStream({ match: pattern, count: PAGE })) yield found as string[];
  }
}

/** How many there were. One by one: those of a cluster are of many slots. */
export async function removeKeys(client: Client, keys: readonly string[]): Promise<number> {
  const removed = await Promise.all(keys.map((key) => client.unlink(key)));
  return removed.reduce((sum, count) => sum + count, 0);
}
