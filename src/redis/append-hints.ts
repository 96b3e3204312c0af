// From the store to the reader of the log: what this process has just written.

import type { Commit, CommitResult } from "../ports/event-store.ts";
import type { AppendListener } from "../ports/log-reader.ts";

export class AppendHints {
  readonly #listeners = new Set<AppendListener>();

  on(listener: AppendListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** On the way of every call: where nobody listens it costs nothing. */
  told(callId: string, commits: readonly Commit[], results: readonly CommitResult[]): void {
    if (this.#listeners.size === 0) return;
    const partitions = new Map<number, number>();
    for (let i = 0; i < commits.length; i++) {
      const commit = commits[i];
      const result = results[i];
      if (commit === undefined || result?.kind !== "committed" || result.already) continue;
      if (commit.records.length > 0) partitions.set(commit.key.partition, result.at);
    }
    for (const [partition, at] of partitions)
      for (const listener of this.#listeners) listener(partition, callId, at);
  }
}
