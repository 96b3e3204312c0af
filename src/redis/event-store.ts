// The log on Redis: `load`, `commit`, `read`. Twin of memory/event-store.ts.

import { PachydermError, reasonOf } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  Commit,
  CommitResult,
  CommitStanding,
  EntityKey,
  EventStore,
  FindRequest,
  Forgotten,
  Found,
  Listed,
  Loaded,
  LoadRequest,
  Trimmed,
  TrimRequest,
} from "../ports/event-store.ts";
import type { AppendHints } from "./append-hints.ts";
import { BullAdds } from "./bull-adds.ts";
import { type Call, Caller } from "./caller.ts";
import { commitScript, decodeCommits, encodeCommits } from "./commit.ts";
import { encodeOne, runOne } from "./commit-one.ts";
import { composeCommit } from "./compose.ts";
import { watchUntilReady } from "./connection.ts";
import { codeOf } from "./failure.ts";
import { runFind } from "./find.ts";
import { forget } from "./forget.ts";
import type { KeySpace } from "./keys.ts";
import { loadedFrom, runLoad } from "./load.ts";
import { parseRawEntries } from "./record-format.ts";
import { RedisClock } from "./redis-clock.ts";
import type { Client, Script } from "./script.ts";
import { standingOf } from "./standing.ts";
import { Tips } from "./tips.ts";
import { runTrim } from "./trim.ts";

export interface RedisEventStoreParts {
  /** Commits only: a reply to a long read must not stand before theirs. */
  readonly commits: Client;
  readonly reads: Client;
  readonly isCluster: boolean;
  /** How many calls one server gets at once, each for a part of the partitions (docs/decisions/0005). */
  readonly lanes: number;
  /** How many calls each lane may have under way. */
  readonly calls: number;
  readonly space: KeySpace;
  /** Whether the network keeps a log. */
  readonly log: boolean;
  readonly clock: Clock;
  /** Told of what was written, for the readers of the log. */
  readonly hints: AppendHints;
  /** Called when Redis has lost what was there: the settings of the network may be gone as well. */
  readonly onLoss: (client: Client) => Promise<void>;
  /** Called when a commit has put jobs on a partition's queue. */
  readonly onJobs: (partition: number) => void;
  /** Makes ids that were never made before. */
  readonly nextId: () => string;
}

/**
 * Commits of one call of the script. Lua hands no command more than 8,000 arguments, and of more the script would fail behind
 * its first write: the next try would find the commits, and not their rows. The engine's calls are smaller.
 */
const MOST_COMMITS = 1_000;

export interface WithJobs {
  readonly adds: BullAdds;
  readonly script: Script;
}

export class RedisEventStore implements EventStore {
  readonly #parts: RedisEventStoreParts;
  readonly #commits: Caller;
  readonly #reads: Caller;
  readonly #redisClock: RedisClock;
  readonly #tips = new Tips();
  #withJobs: Promise<WithJobs> | null = null;

  constructor(parts: RedisEventStoreParts) {
    this.#parts = parts;
    watchUntilReady(parts.commits);
    watchUntilReady(parts.reads);
    this.#commits = new Caller(parts.commits, parts.clock);
    this.#reads = new Caller(parts.reads, parts.clock);
    this.#redisClock = new RedisClock(parts.clock);
  }

  lane(partition: number): number {
    // On a cluster a call has the keys of one slot. One server could do all partitions in one call; but while it does,
    // this process would wait for it, and after it the other way round: so there are a few lanes (docs/decisions/0005).
    const { isCluster, lanes } = this.#parts;
    return isCluster ? partition : partition % lanes;
  }

  get calls(): number {
    return this.#parts.calls;
  }

  async commit(commits: readonly Commit[], deadline: number): Promise<readonly CommitResult[]> {
    if (commits.length > MOST_COMMITS) {
      const first = await this.commit(commits.slice(0, MOST_COMMITS), deadline);
      return [...first, ...(await this.commit(commits.slice(MOST_COMMITS), deadline))];
    }
    if (!commits.some(({ jobs }) => jobs !== undefined)) return await this.#commit(commits, deadline, null);
    let withJobs: WithJobs;
    try {
      withJobs = await this.withJobs();
    } catch (thrown) {
      return commits.map(() => ({ kind: "unavailable", reason: reasonOf(thrown) }));
    }
    const results = await this.#commit(commits, deadline, withJobs);
    commits.forEach(({ jobs, key }, i) => {
      if (jobs !== undefined && results[i]?.kind === "committed") this.#parts.onJobs(key.partition);
    });
    return results;
  }

  /**
   * BullMQ, and the commit script that adds its jobs.
   * @throws PachydermError INVALID_OPTIONS if the BullMQ that is installed is another one
   */
  withJobs(): Promise<WithJobs> {
    this.#withJobs ??= BullAdds.load().then((adds) => ({ adds, script: composeCommit(commitScript, adds) }));
    return this.#withJobs;
  }

  async #commit(
    commits: readonly Commit[],
    deadline: number,
    withJobs: WithJobs | null,
    trusting = true,
  ): Promise<readonly CommitResult[]> {
    const { space, log: withLog, nextId, hints } = this.#parts;
    const tips = this.#tips;
    const encoder = withJobs?.adds ?? null;
    const call = encodeCommits({ space, withLog, tips, trusting, encoder }, commits);
    const script = withJobs?.script ?? commitScript;
    const callId = nextId();
    const sent = call.groups.map(({ writes, partition, leaves }) =>
      writes ? tips.send(partition, `${callId}.1`, leaves) : null,
    );
    const one = withJobs === null ? encodeOne(space, withLog, callId, commits, call) : null;
    let tries = 0;
    const answer = await this.#commits.call((client) => {
      tries += 1;
      const token = `${callId}.${tries}`;
      const all = () => script.run(client, call.keys, [callId, token, ...call.args]);
      return one === null ? all() : runOne(client, one, token, all);
    }, deadline);
    if (answer.kind === "replied") {
      const inDoubt = answer.mayHaveRun;
      const { now, results, again } = decodeCommits(answer.reply, call, (group, isStranger, at) => {
        const one = sent[group];
        return one === null || one === undefined ? 0 : tips.hear(one, { isStranger, inDoubt, at });
      });
      this.#redisClock.saw(now);
      if (withLog) hints.told(callId, commits, results);
      if (results.some(({ kind }) => kind === "diverged")) this.#diverged(commits, results, deadline);
      const told =
        again.length === 0 ? results : await this.#again(commits, results, again, deadline, withJobs);
      return inDoubt ? told.map(doubted) : told;
    }
    for (const one of sent) if (one !== null) tips.lose(one);
    // Tried again with the same commit ids for as long as there was time: what is left is the honest answer.
    const result: CommitResult = {
      kind: answer.mayHaveRun ? "unknown" : "unavailable",
      reason: answer.reason,
    };
    return commits.map(() => result);
  }

  /**
   * Some commits stood on the tip, and it was another one: with all their receipts now. If an earlier try of theirs had
   * run, they are found by their ids.
   */
  async #again(
    commits: readonly Commit[],
    results: readonly CommitResult[],
    places: readonly number[],
    deadline: number,
    withJobs: WithJobs | null,
  ): Promise<readonly CommitResult[]> {
    const whole = commits.filter((_, i) => places.includes(i));
    const answers = await this.#commit(whole, deadline, withJobs, false);
    const told = [...results];
    // Groups stand in the order of their first commits, and not their commits: so places are in no order.
    places
      .toSorted((a, b) => a - b)
      .forEach((place, i) => {
        const answer = answers[i];
        if (answer !== undefined) told[place] = answer;
      });
    return told;
  }

  #diverged(commits: readonly Commit[], results: readonly CommitResult[], deadline: number): void {
    commits.forEach(({ key }, i) => {
      if (results[i]?.kind === "diverged") this.#tips.doubt(key.partition);
    });
    this.#reads.call(this.#parts.onLoss, deadline);
  }

  async load(requests: readonly LoadRequest[], deadline: number): Promise<readonly Loaded[]> {
    const answer = await this.#reads.call((client) => runLoad(client, this.#parts.space, requests), deadline);
    if (answer.kind === "replied") return answer.reply;
    return requests.map(() => unavailable(answer));
  }

  async read(key: EntityKey, from: number, limit: number, deadline: number): Promise<Loaded> {
    const stream = this.#parts.space.stream(key);
    const answer = await this.#reads.call((client) => readEntries(client, stream, from, limit), deadline);
    return answer.kind === "replied" ? answer.reply : unavailable(answer);
  }

  async find(request: FindRequest, deadline: number): Promise<Found> {
    const answer = await this.#reads.call((client) => runFind(client, this.#parts.space, request), deadline);
    return answer.kind === "replied" ? answer.reply : unavailable(answer);
  }

  async trim(request: TrimRequest, deadline: number): Promise<Trimmed> {
    const answer = await this.#reads.call((client) => runTrim(client, this.#parts.space, request), deadline);
    return answer.kind === "replied" ? answer.reply : unavailable(answer);
  }

  async stands(key: EntityKey, place: Commit["expected"], deadline: number): Promise<CommitStanding> {
    const stream = this.#parts.space.stream(key);
    const answer = await this.#reads.call((client) => standingOf(client, stream, place), deadline);
    return answer.kind === "replied" ? answer.reply : unavailable(answer);
  }

  async list(partition: number, after: string, limit: number, deadline: number): Promise<Listed> {
    const ids = this.#parts.space.ids(partition);
    const from = after === "" ? "-" : `(${after}!`; // behind "<id> <type>", and before every id that follows
    const answer = await this.#reads.call(
      (client) => client.zrange(ids, from, "+", "BYLEX", "LIMIT", 0, limit),
      deadline,
    );
    if (answer.kind === "failed") return unavailable(answer);
    const entities = answer.reply.map((member) => ({ id: member.slice(0, 36), type: member.slice(37) }));
    return { kind: "listed", entities };
  }

  forget(key: EntityKey, deadline: number): Promise<Forgotten> {
    return forget(this.#reads, this.#parts.space, key, deadline);
  }

  now(): number {
    return this.#redisClock.now();
  }

  saw(epochMs: number): void {
    this.#redisClock.saw(epochMs);
  }

  /**
   * Runs the commit script once, with nothing to commit: Redis's time is known before the first message, and a user who
   * may not run scripts hears of it at the start.
   * @throws PachydermError STORE_UNAVAILABLE, UNAUTHORIZED
   */
  async probe(deadline: number): Promise<void> {
    const { space } = this.#parts;
    const terms = { space, withLog: false, tips: this.#tips, trusting: false, encoder: null };
    const call = encodeCommits(terms, []);
    const run = (client: Client) => commitScript.run(client, call.keys, ["probe", "probe", ...call.args]);
    const answer = await this.#commits.call(run, deadline);
    if (answer.kind === "replied") {
      this.#redisClock.saw(decodeCommits(answer.reply, call, () => 0).now);
      return;
    }
    const code = answer.reason.startsWith("NOPERM") ? "UNAUTHORIZED" : "STORE_UNAVAILABLE";
    const what = "the commit script cannot be run: Redis must let this user run scripts, and TIME in them";
    throw new PachydermError(code, `${what} (${answer.reason})`);
  }

  async close(): Promise<void> {
    this.#commits.close();
    this.#reads.close();
  }
}

/** A key of another type will not become a stream by asking again. */
async function readEntries(client: Client, stream: string, from: number, limit: number): Promise<Loaded> {
  try {
    const entries = await client.xrangeBuffer(stream, `${from}-0`, "+", "COUNT", limit);
    return loadedFrom(parseRawEntries(entries), limit);
  } catch (thrown) {
    if (thrown instanceof Error && codeOf(thrown) === "WRONGTYPE")
      return { kind: "unreadable", reason: thrown.message };
    throw thrown;
  }
}

/**
 * An earlier try got no answer; what could show that it was written may be destroyed. And if a later one was answered
 * `again`, and then there was nobody left to ask, that one alone was not written for certain.
 */
function doubted(result: CommitResult): CommitResult {
  if (result.kind === "unavailable") return { kind: "unknown", reason: result.reason };
  return result.kind === "conflict" || result.kind === "reload" ? { ...result, mayHaveRun: true } : result;
}

function unavailable({ reason }: Extract<Call<never>, { kind: "failed" }>) {
  return { kind: "unavailable", reason } as const;
}
