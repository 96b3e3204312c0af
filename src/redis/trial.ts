// The commit with a job, tried once at the start, beside all partitions: what is wrong with it (a server that runs scripts
// differently, another BullMQ, rights that are missing) is told then, in words, and not by the first effect.

import { PachydermError, reasonOf } from "../core/errors.ts";
import type { Commit } from "../ports/event-store.ts";
import { loadBull } from "./bull.ts";
import { QUEUE } from "./bull-adds.ts";
import { decodeCommits, encodeCommits } from "./commit.ts";
import type { WithJobs } from "./event-store.ts";
import { KeySpace } from "./keys.ts";
import type { Client } from "./script.ts";
import { Tips } from "./tips.ts";

/** One tag for all trials: what a process that died in one has left behind, the next one removes. */
const TAG = "trial";
const KEY = { id: "00000000-0000-0000-0000-000000000000", partition: 0 };

/**
 * @param id never used before: other processes may be at the same
 * @throws PachydermError UNSUPPORTED_REDIS, and what the connection throws
 */
export async function tryJobs(
  network: string,
  commits: Client,
  queues: Client,
  { adds, script }: WithJobs,
  id: string,
): Promise<void> {
  const space = new KeySpace(network, 1, [TAG]);
  const key = { ...KEY, id };
  const prefix = space.queuePrefix(0);
  const jobId = `${id}-0`;
  const terms = { space, withLog: false, tips: new Tips(), trusting: false, encoder: adds };
  const call = encodeCommits(terms, [trialCommit(key, id, jobId)]);
  try {
    const reply = await script.run(commits, call.keys, ["trial", "trial", ...call.args]);
    const { results } = decodeCommits(reply, call, () => 0);
    const [result] = results;
    if (result?.kind !== "committed") throw refused(reasonIn(result) ?? `it ended as ${result?.kind}`);
    await readBack(queues, prefix, jobId);
  } catch (thrown) {
    // What the server said of it; anything else is the connection's, and told as such.
    throw thrown instanceof Error && thrown.name === "ReplyError"
      ? refused(reasonOf(thrown), thrown)
      : thrown;
  } finally {
    await commits.del(...call.keys).catch(() => {}); // the connection is gone: then the next trial removes it
  }
}

function trialCommit(key: Commit["key"], commitId: string, jobId: string): Commit {
  const job = { id: jobId, name: "trial", data: DATA, attempts: 1, backoffMs: 0, delayMs: 0, at: 1 };
  return {
    key,
    type: "trial",
    commitId,
    expected: { version: 0, commitId: "" },
    records: [{ messageId: "trial", event: '{"type":"tried"}', reply: "" }],
    receipts: [],
    snapshot: null,
    jobs: [job],
  };
}

const DATA = '{"tried":true}';

/** As whoever runs it will read it. */
async function readBack(queues: Client, prefix: string, jobId: string): Promise<void> {
  const { Queue } = await loadBull();
  const queue = new Queue(QUEUE, {
    connection: queues,
    prefix,
    skipMetasUpdate: true,
    skipVersionCheck: true,
  });
  queue.on("error", () => {}); // the call itself fails
  try {
    const job = await queue.getJob(jobId);
    if (JSON.stringify(job?.data) !== DATA) throw refused("the job that was added cannot be read");
  } finally {
    await queue.close();
  }
}

function refused(reason: string, cause?: unknown): PachydermError {
  const what =
    "durable effects cannot be used with this Redis: a commit with a job, tried at the start, failed";
  return new PachydermError("UNSUPPORTED_REDIS", `${what} (${reason})`, { cause });
}

function reasonIn(result: { readonly kind: string } | undefined): string | undefined {
  return result !== undefined && "reason" in result ? String(result.reason) : undefined;
}
