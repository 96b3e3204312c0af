// The embedded log with faults on command: a real log behind calls that a test holds back, loses, or answers itself.

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
} from "../../src/ports/event-store.ts";

/** What becomes of one commit, instead of being written and answered. */
export type CommitFault =
  /** Not written; answered so. */
  | { readonly kind: "answer"; readonly result: CommitResult }
  /** Written; answered `unknown`. */
  | { readonly kind: "lose-reply" }
  /** Answered `unknown`, and written only by {@link ScriptedStore.landLate}. */
  | { readonly kind: "late" }
  /** Not written: the call throws, which the port forbids. */
  | { readonly kind: "throw" };

type Rule = (commit: Commit) => CommitFault | undefined;

const LOST: CommitResult = { kind: "unknown", reason: "the reply was lost" };

export class ScriptedStore implements EventStore {
  /** Every commit that was asked for, in order, with what was answered. */
  readonly asked: { readonly commit: Commit; result: CommitResult | null }[] = [];
  /** How many calls it wants of each lane. */
  calls = 1;
  /** Commits of each call. */
  readonly callSizes: number[] = [];
  loads = 0;
  reads = 0;
  /** Records of one read, whatever was asked for. */
  mostRead = 10_000;
  finds = 0;
  /** The store's time that it was last told of. */
  sawMs = 0;
  readonly #inner: EventStore;
  readonly #once: Rule[] = [];
  readonly #always: Rule[] = [];
  readonly #late: Commit[] = [];
  readonly #loadFaults: Loaded[] = [];
  readonly #findFaults: Found[] = [];
  readonly #watchers = new Set<() => void>();
  #commitGate: PromiseWithResolvers<void> | null = null;
  #loadGate: PromiseWithResolvers<void> | null = null;
  #held = 0;
  #heldLoads = 0;

  constructor(inner: EventStore) {
    this.#inner = inner;
  }

  /** Commits that are asked from now on wait, unwritten, until {@link release}. */
  hold(): void {
    this.#commitGate ??= Promise.withResolvers();
  }

  /** Lets the held commits through, in their order. */
  release(): void {
    this.#commitGate?.resolve();
    this.#commitGate = null;
  }

  /** Lets what is held through, and holds what comes after it. */
  releaseOne(): void {
    this.release();
    this.hold();
  }

  holdLoads(): void {
    this.#loadGate ??= Promise.withResolvers();
  }

  releaseLoads(): void {
    this.#loadGate?.resolve();
    this.#loadGate = null;
  }

  /** The next commit is not written, and answered so. */
  answerNext(result: CommitResult): void {
    this.#once.push(() => ({ kind: "answer", result }));
  }

  /** The next commit is written, and nobody hears of it. */
  loseNextReply(): void {
    this.#once.push(() => ({ kind: "lose-reply" }));
  }

  /** The next commit is answered `unknown`, and written when the test says. */
  delayNext(): void {
    this.#once.push(() => ({ kind: "late" }));
  }

  throwNext(): void {
    this.#once.push(() => ({ kind: "throw" }));
  }

  /** Every commit that holds such a record is refused. */
  refuseRecords(isPoison: (event: string) => boolean): void {
    const refused: CommitFault = { kind: "answer", result: { kind: "refused", reason: "poison" } };
    this.#always.push(({ records }) => (records.some(({ event }) => isPoison(event)) ? refused : undefined));
  }

  /** A rule for every commit; undefined lets it pass. */
  always(rule: Rule): void {
    this.#always.push(rule);
  }

  /** No rule any more, and nothing held. */
  heal(): void {
    this.#once.length = 0;
    this.#always.length = 0;
    this.release();
    this.releaseLoads();
  }

  failNextLoad(answer: Exclude<Loaded, { kind: "loaded" }>): void {
    this.#loadFaults.push(answer);
  }

  failNextFind(answer: Exclude<Found, { kind: "found" }>): void {
    this.#findFaults.push(answer);
  }

  /** What was delayed reaches the log now, if the log still takes it. */
  async landLate(): Promise<readonly CommitResult[]> {
    const late = this.#late.splice(0);
    return await this.#inner.commit(late, Number.MAX_SAFE_INTEGER);
  }

  /** Resolves when so many commits are held. */
  async untilHeld(commits = 1): Promise<void> {
    await this.#until(() => this.#held >= commits, `${commits} held commits`);
  }

  async untilLoadHeld(): Promise<void> {
    await this.#until(() => this.#heldLoads > 0, "a held load");
  }

  /** Resolves when so many commits were asked for. */
  async untilAsked(commits: number): Promise<void> {
    await this.#until(() => this.asked.length >= commits, `${commits} commits`);
  }

  lane(partition: number): number {
    return this.#inner.lane(partition);
  }

  async load(requests: readonly LoadRequest[], deadline: number): Promise<readonly Loaded[]> {
    this.loads += requests.length;
    if (this.#loadGate !== null) {
      this.#heldLoads += 1;
      this.#changed();
      await this.#loadGate.promise;
      this.#heldLoads -= 1;
    }
    const answers = await this.#inner.load(requests, deadline);
    return answers.map((answer) => this.#loadFaults.shift() ?? answer);
  }

  async commit(commits: readonly Commit[], deadline: number): Promise<readonly CommitResult[]> {
    this.callSizes.push(commits.length);
    const entries = commits.map((commit) => ({ commit, result: null as CommitResult | null }));
    this.asked.push(...entries);
    this.#held += commits.length;
    this.#changed();
    if (this.#commitGate !== null) await this.#commitGate.promise;
    this.#held -= commits.length;
    const results: CommitResult[] = [];
    for (const entry of entries) {
      entry.result = await this.#commitOne(entry.commit, deadline);
      results.push(entry.result);
    }
    return results;
  }

  async read(key: EntityKey, from: number, limit: number, deadline: number): Promise<Loaded> {
    this.reads += 1;
    return await this.#inner.read(key, from, Math.min(limit, this.mostRead), deadline);
  }

  async find(request: FindRequest, deadline: number): Promise<Found> {
    this.finds += 1;
    const fault = this.#findFaults.shift();
    if (fault !== undefined) return fault;
    return await this.#inner.find(request, deadline);
  }

  trim(request: TrimRequest, deadline: number): Promise<Trimmed> {
    return this.#inner.trim(request, deadline);
  }

  stands(key: EntityKey, place: Commit["expected"], deadline: number): Promise<CommitStanding> {
    return this.#inner.stands(key, place, deadline);
  }

  list(partition: number, after: string, limit: number, deadline: number): Promise<Listed> {
    return this.#inner.list(partition, after, limit, deadline);
  }

  forget(key: EntityKey, deadline: number): Promise<Forgotten> {
    return this.#inner.forget(key, deadline);
  }

  now(): number {
    return this.#inner.now();
  }

  saw(epochMs: number): void {
    this.sawMs = epochMs;
    this.#inner.saw(epochMs);
  }

  async close(): Promise<void> {
    this.heal();
    await this.#inner.close();
  }

  async #commitOne(commit: Commit, deadline: number): Promise<CommitResult> {
    const fault = this.#faultOf(commit);
    switch (fault?.kind) {
      case "answer":
        return fault.result;
      case "throw":
        throw new Error("the store broke its promise");
      case "late":
        this.#late.push(commit);
        return LOST;
      case "lose-reply":
        await this.#inner.commit([commit], deadline);
        return LOST;
      case undefined: {
        const [result] = await this.#inner.commit([commit], deadline);
        return result ?? { kind: "unknown", reason: "no answer" };
      }
    }
  }

  #faultOf(commit: Commit): CommitFault | undefined {
    const once = this.#once.shift();
    if (once !== undefined) return once(commit);
    for (const rule of this.#always) {
      const fault = rule(commit);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const watcher = (): void => {
      if (holds()) resolve();
    };
    this.#watchers.add(watcher);
    const timer = setTimeout(() => reject(new Error(`waited 5 s for ${what}`)), 5_000);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(watcher);
    }
  }
}
