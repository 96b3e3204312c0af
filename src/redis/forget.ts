// Removes the receipts of callers' keys of one entity: no script can name them, so the keys are walked, in pages.

import type { Cluster, Redis } from "ioredis";
import type { EntityKey, Forgotten } from "../ports/event-store.ts";
import type { Caller } from "./caller.ts";
import type { KeySpace } from "./keys.ts";
import type { Client } from "./script.ts";

/** Keys that Redis looks at in one page: about half a millisecond of it. */
const PAGE = 1_000;

export async function forget(
  caller: Caller,
  space: KeySpace,
  key: EntityKey,
  deadline: number,
): Promise<Forgotten> {
  const pattern = space.keyReceipts(key);
  for (let server: number | null = 0; server !== null; ) {
    let cursor = "0";
    let last = true;
    const number: number = server;
    do {
      const from = cursor;
      const page = await caller.call((client) => removePage(client, number, from, pattern), deadline);
      if (page.kind === "failed") return { kind: "unavailable", reason: page.reason };
      ({ cursor, last } = page.reply);
    } while (cursor !== "0");
    server = last ? null : number + 1;
  }
  return { kind: "done" };
}

/** One page of one server's keys. Done again, it finds what is left. */
async function removePage(client: Client, server: number, cursor: string, pattern: string) {
  const masters = client.isCluster ? (client as Cluster).nodes("master") : [client as Redis];
  const last = server >= masters.length - 1;
  const master = masters[server];
  if (master === undefined) return { cursor: "0", last: true };
  const [next, keys] = await master.scan(cursor, "MATCH", pattern, "COUNT", PAGE);
  // Through the client and not the server: on a cluster the slot may have moved meanwhile.
  if (keys.length > 0) await client.unlink(...keys);
  return { cursor: next, last };
}
