// Whether a commit is in the log still: asked before what it has put on a queue is done.

import type { Commit, CommitStanding } from "../ports/event-store.ts";
import { codeOf } from "./failure.ts";
import { parseEntries, type StreamEntry } from "./record-format.ts";
import type { Client } from "./script.ts";

export async function standingOf(
  client: Client,
  stream: string,
  { version, commitId }: Commit["expected"],
): Promise<CommitStanding> {
  try {
    const id = `${version}-0`;
    const parsed = parseEntries((await client.xrange(stream, id, id)) as StreamEntry[]);
    if (parsed.kind === "unreadable") return parsed;
    const [record] = parsed.records;
    if (record !== undefined) return { kind: record.commitId === commitId ? "stands" : "lost" };
    // Trimmed, or never there: a stream remembers how far it has come, even one that is empty.
    return { kind: (await lastVersion(client, stream)) >= version ? "stands" : "lost" };
  } catch (thrown) {
    if (thrown instanceof Error && codeOf(thrown) === "WRONGTYPE")
      return { kind: "unreadable", reason: thrown.message };
    throw thrown;
  }
}

async function lastVersion(client: Client, stream: string): Promise<number> {
  if ((await client.exists(stream)) === 0) return 0;
  const info = (await client.xinfo("STREAM", stream)) as readonly unknown[];
  const last = info[info.indexOf("last-generated-id") + 1];
  return Number(String(last).split("-")[0]);
}
