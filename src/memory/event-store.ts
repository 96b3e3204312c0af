// The log in this process's memory: the embedded backend. Twin of redis/event-store.ts.

import type { LogLine } from "../core/log-entry.ts";
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
  FoundReceipt,
  Listed,
  Loaded,
  LoadRequest,
  Trimmed,
  TrimRequest,
} from "../ports/event-store.ts";
import { EntityLog } from "./entity-log.ts";
import { later } from "./later.ts";
import { MemoryLog } from "./memory-log.ts";

/** What is read where nothing was ever written. */
const nothing = new EntityLog();

/**
 * One client of an embedded log. Every call is done when it is made, in one go, so calls are atomic because this
 * thread does one thing at a time; only the answers come later, as they do from a server.
 */
export class MemoryEventStore implements EventStore {
  readonly calls = 1;
  readonly #clock: Clock;
  readonly #log: MemoryLog;
  #closed = false;

  /** @param log the data; another store on the same log is another client of it */
  constructor(clock: Clock, log: MemoryLog = new MemoryLog(clock)) {
    this.#clock = clock;
    this.#log = log;
  }

  lane(_partition: number): number {
    return 0;
  }

  async load(requests: readonly LoadRequest[], deadline: number): Promise<readonly Loaded[]> {
    const unavailable = this.#unavailable(deadline);
    return await later(
      requests.map(
        ({ key, schema, older = false }) =>
          unavailable ?? (this.#log.find(key) ?? nothing).load(schema, older),
      ),
    );
  }

  async commit(commits: readonly Commit[], deadline: number): Promise<readonly CommitResult[]> {
    const unavailable = this.#unavailable(deadline);
    if (unavailable !== null) return await later(commits.map(() => unavailable));
    const at = this.#log.now();
    const results = commits.map((commit) => this.#commit(commit, at));
    this.#publish(commits.filter((_, i) => isNew(results[i])));
    return await later(results);
  }

  async read(key: EntityKey, from: number, limit: number, deadline: number): Promise<Loaded> {
    return await later(this.#unavailable(deadline) ?? (this.#log.find(key) ?? nothing).read(from, limit));
  }

  async find({ key, messageIds, since }: FindRequest, deadline: number): Promise<Found> {
    const unavailable = this.#unavailable(deadline);
    if (unavailable !== null) return await later(unavailable);
    const records = (this.#log.find(key) ?? nothing).lastOf(messageIds, since);
    return await later({ kind: "found", records } as const);
  }

  async trim({ key, below, before }: TrimRequest, deadline: number): Promise<Trimmed> {
    const unavailable = this.#unavailable(deadline);
    if (unavailable !== null) return await later(unavailable);
    const left = this.#log.find(key)?.retain(below, before) ?? "done";
    return await later({ kind: "trimmed", left } as const);
  }

  async stands(key: EntityKey, place: Commit["expected"], deadline: number): Promise<CommitStanding> {
    return await later(this.#unavailable(deadline) ?? (this.#log.find(key) ?? nothing).stands(place));
  }

  async list(partition: number, after: string, limit: number, deadline: number): Promise<Listed> {
    const entities = this.#log.ids.page(partition, after, limit);
    return await later(this.#unavailable(deadline) ?? ({ kind: "listed", entities } as const));
  }

  async forget({ id }: EntityKey, deadline: number): Promise<Forgotten> {
    const unavailable = this.#unavailable(deadline);
    if (unavailable !== null) return await later(unavailable);
    this.#log.receipts.forget(id, "k");
    return await later({ kind: "done" } as const);
  }

  now(): number {
    return this.#log.now();
  }

  /** Its time is this process's own. */
  saw(): void {}

  async close(): Promise<void> {
    this.#closed = true;
  }

  #unavailable(deadline: number): { readonly kind: "unavailable"; readonly reason: string } | null {
    if (this.#closed) return { kind: "unavailable", reason: "the store is closed" };
    if (this.#clock.monotonicMs() < deadline) return null;
    return { kind: "unavailable", reason: "there was no time left" };
  }

  /** The commit script, in its order: already, duplicate, late, gone, compare, then the writes, of which none can fail. */
  #commit(commit: Commit, at: number): CommitResult {
    const { key, commitId, expected, records, receipts, jobs = [] } = commit;
    const entity = this.#log.find(key) ?? nothing;
    if (this.#isDone(commit, entity, at)) return { kind: "committed", at, already: true };
    const found = this.#othersReceipts(commit, at);
    if (found.length > 0) return { kind: "duplicate", found };
    const late = receipts.flatMap(({ notAfter }, i) => (notAfter !== null && at > notAfter ? [i] : []));
    if (late.length > 0) return { kind: "late", steps: late };
    const gone = this.#log.timers.gone(commit);
    if (gone.length > 0) return { kind: "gone", firings: gone };
    const problem = entity.compare(expected);
    if (problem !== null) return problem;
    if (records.length > 0 || commit.snapshot !== null) this.#log.findOrMake(key).append(commit, at);
    if (jobs.length > 0) this.#log.queues.add(key.partition, jobs);
    if (commit.destroy === true) this.#log.ids.remove(key);
    else if (expected.version === 0 && records.length > 0) this.#log.ids.add(key, commit.type);
    for (const step of receipts) this.#log.receipts.keep(key, step, commitId, at);
    this.#log.timers.write(commit);
    this.#log.views.write(commit);
    return { kind: "committed", at, already: false };
  }

  /** Whether an earlier try of this very commit was written: its records tell, or else its receipts. */
  #isDone({ key, commitId, expected, receipts }: Commit, entity: EntityLog, now: number): boolean {
    if (entity.at(expected.version + 1)?.commitId === commitId) return true;
    return receipts.some((step) => this.#log.receipts.find(key, step, now)?.commitId === commitId);
  }

  #othersReceipts({ key, receipts }: Commit, now: number): readonly FoundReceipt[] {
    const found: FoundReceipt[] = [];
    receipts.forEach((step, i) => {
      const receipt = this.#log.receipts.find(key, step, now);
      if (receipt !== undefined) found.push({ step: i, value: receipt.value });
    });
    return found;
  }

  /** One entry for this call in each partition that it wrote to. */
  #publish(commits: readonly Commit[]): void {
    const items = new Map<number, LogLine[]>();
    for (const { key, type, expected, records } of commits) {
      if (records.length === 0) continue;
      const item = { id: key.id, type, first: expected.version + 1, count: records.length };
      const others = items.get(key.partition);
      if (others === undefined) items.set(key.partition, [item]);
      else others.push(item);
    }
    for (const [partition, entry] of items) this.#log.publish(partition, entry);
  }
}

function isNew(result: CommitResult | undefined): boolean {
  return result?.kind === "committed" && !result.already;
}
