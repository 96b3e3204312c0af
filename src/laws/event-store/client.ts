// A client as the laws use it: deadlines are set, and what is not the law's subject must go well.

import assert from "node:assert/strict";
import type { StoredRecord } from "../../core/record.ts";
import { newId } from "../../core/reference.ts";
import type {
  Commit,
  CommitResult,
  EntityKey,
  EventStore,
  Loaded,
  NewRecord,
  ReceiptStep,
} from "../../ports/event-store.ts";
import type { Backend } from "../backend.ts";

/** Where an entity stands, as a worker remembers it: what its next commit is computed at. */
export type Head = Commit["expected"];

export const start: Head = { version: 0, commitId: "" };

/** Long enough for any server that is alive; a law about deadlines sets its own. */
const CALL_MS = 10_000;

export type LoadedRecords = Extract<Loaded, { kind: "loaded" }>;

export class Client {
  readonly store: EventStore;
  readonly #backend: Backend;
  /** What the store said of each commit, by its id: handed back as a worker does, whatever the law is about. */
  readonly #proofs = new Map<string, number>();

  constructor(store: EventStore, backend: Backend) {
    this.store = store;
    this.#backend = backend;
  }

  get deadline(): number {
    return this.#backend.clock.monotonicMs() + CALL_MS;
  }

  async call(commits: readonly Commit[]): Promise<readonly CommitResult[]> {
    const results = await this.store.commit(
      commits.map((commit) => this.#proved(commit)),
      this.deadline,
    );
    assert.equal(results.length, commits.length, "one answer for each commit");
    commits.forEach(({ commitId, records }, i) => {
      const result = results[i];
      if (result?.kind === "committed" && records.length > 0) this.#proofs.set(commitId, result.proof ?? 0);
    });
    return results;
  }

  #proved(commit: Commit): Commit {
    const proof = this.#proofs.get(commit.expected.commitId);
    return proof === undefined ? commit : { ...commit, expected: { ...commit.expected, proof } };
  }

  async commit(commit: Commit): Promise<CommitResult> {
    const [result] = await this.call([commit]);
    return result ?? assert.fail("no answer");
  }

  /** Commits, and it must be written now; the head that it brought. */
  async write(commit: Commit): Promise<Head> {
    const result = await this.commit(commit);
    assert.equal(result.kind, "committed");
    assert.ok(result.kind === "committed" && !result.already, "not written before");
    return headAfter(commit);
  }

  /** Commits of one record each, from `head` on; the head after the last. */
  async append(key: EntityKey, count: number, head: Head = start): Promise<Head> {
    let at = head;
    for (let i = 0; i < count; i++) at = await this.write(commitOf(key, at));
    return at;
  }

  async load(key: EntityKey, schema: number | null = null, older = false): Promise<LoadedRecords> {
    const [loaded] = await this.store.load([{ key, schema, older }], this.deadline);
    return asLoaded(loaded);
  }

  async read(key: EntityKey, from: number, limit: number): Promise<LoadedRecords> {
    return asLoaded(await this.store.read(key, from, limit, this.deadline));
  }

  /** All records that are kept. */
  async history(key: EntityKey): Promise<readonly StoredRecord[]> {
    return (await this.read(key, 1, 10_000)).records;
  }
}

export function asLoaded(loaded: Loaded | undefined): LoadedRecords {
  assert.equal(loaded?.kind, "loaded", JSON.stringify(loaded));
  return loaded?.kind === "loaded" ? loaded : assert.fail();
}

export function newKey(partition = 0): EntityKey {
  return { id: newId(), partition };
}

/** A commit at `head`: of one record, if nothing else is said. */
export function commitOf(key: EntityKey, head: Head, parts: Partial<Commit> = {}): Commit {
  const commitId = newId();
  return {
    key,
    type: "law",
    commitId,
    expected: head,
    records: recordsOf(1),
    receipts: [],
    snapshot: null,
    ...parts,
  };
}

export function headAfter({ expected, commitId, records }: Commit): Head {
  return records.length === 0 ? expected : { version: expected.version + records.length, commitId };
}

export function recordsOf(count: number): readonly NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    messageId: newId(),
    event: `{"type":"counted","i":${i}}`,
    reply: "",
  }));
}

const DAY_MS = 86_400_000;

/** A step that writes, and is not over within a law. */
export function receipt(
  key: string,
  value = `"${key}"`,
  { kind = "k", ttlMs = DAY_MS, notAfter = null }: Partial<ReceiptStep> & { readonly ttlMs?: number } = {},
): ReceiptStep {
  return { kind, key, write: { value, ttlMs }, notAfter };
}

/** A step that only looks. */
export function look(
  key: string,
  kind: ReceiptStep["kind"] = "k",
  notAfter: number | null = null,
): ReceiptStep {
  return { kind, key, write: null, notAfter };
}
