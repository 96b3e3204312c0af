// What a store must answer, in the fewest words: one entity, one thing at a time, no time, no failures. The random
// walk compares every answer with this one.

import type { StoredRecord } from "../../core/record.ts";
import type { Commit, FoundReceipt, LoadedSnapshot, SnapshotStep } from "../../ports/event-store.ts";

/** The time of a record is the store's to choose. */
export type ModelRecord = Omit<StoredRecord, "at">;

export type ModelResult =
  | { readonly kind: "committed"; readonly already: boolean }
  | { readonly kind: "duplicate"; readonly found: readonly FoundReceipt[] }
  /** All that was missed: a store may bring fewer. */
  | { readonly kind: "conflict"; readonly missed: readonly ModelRecord[] }
  | { readonly kind: "diverged" }
  | { readonly kind: "reload" };

export interface ModelLoad {
  readonly snapshot: LoadedSnapshot | null;
  /** All that follow: a store may bring fewer, and say so. */
  readonly records: readonly ModelRecord[];
}

export class ModelEntity {
  records: readonly ModelRecord[] = [];
  #receipts = new Map<string, { readonly commitId: string; readonly value: string }>();
  #snapshot: (SnapshotStep & { readonly commitId: string }) | null = null;

  get version(): number {
    return this.records.at(-1)?.version ?? 0;
  }

  record(version: number): ModelRecord | undefined {
    return this.records.find((record) => record.version === version);
  }

  from(version: number): readonly ModelRecord[] {
    return this.records.filter((record) => record.version >= version);
  }

  commit(commit: Commit): ModelResult {
    const problem = this.#isDone(commit)
      ? ({ kind: "committed", already: true } as const)
      : (this.#duplicate(commit) ?? this.#compare(commit));
    if (problem !== null) return problem;
    this.#write(commit);
    return { kind: "committed", already: false };
  }

  load(schema: number | null): ModelLoad {
    const saved = this.#snapshot;
    if (saved !== null && saved.schema === schema) {
      const { version, commitId, state } = saved;
      const own = this.record(version);
      const follows = own === undefined ? this.record(version + 1) !== undefined : own.commitId === commitId;
      if (follows)
        return { snapshot: { version, commitId, schema: saved.schema, state }, records: this.from(version) };
    }
    return { snapshot: null, records: this.records };
  }

  trim(keepFrom: number): void {
    this.records = this.from(keepFrom);
  }

  rollBack(version: number): void {
    this.records = this.records.filter((record) => record.version <= version);
  }

  #isDone({ commitId, expected, receipts }: Commit): boolean {
    if (this.record(expected.version + 1)?.commitId === commitId) return true;
    return receipts.some(({ kind, key }) => this.#receipts.get(kind + key)?.commitId === commitId);
  }

  #duplicate({ receipts }: Commit): ModelResult | null {
    const found = receipts.flatMap(({ kind, key }, step) => {
      const receipt = this.#receipts.get(kind + key);
      return receipt === undefined ? [] : [{ step, value: receipt.value }];
    });
    return found.length === 0 ? null : { kind: "duplicate", found };
  }

  #compare({ expected: { version, commitId } }: Commit): ModelResult | null {
    if (version > this.version) return { kind: "diverged" };
    const there = this.record(version);
    if (there === undefined ? version > 0 : there.commitId !== commitId) {
      return { kind: there === undefined ? "reload" : "diverged" };
    }
    return version === this.version ? null : { kind: "conflict", missed: this.from(version) };
  }

  #write({ commitId, type, expected, records, receipts, snapshot }: Commit): void {
    const written = records.map((record, i) => ({
      version: expected.version + 1 + i,
      commitId,
      type,
      ...record,
    }));
    this.records = [...this.records, ...written];
    for (const { kind, key, write } of receipts) {
      if (write !== null) this.#receipts.set(kind + key, { commitId, value: write.value });
    }
    if (snapshot !== null) this.#snapshot = { ...snapshot, commitId };
  }
}
