// The records of one entity, and its newest snapshot.

import type { StoredRecord } from "../core/record.ts";
import type { Commit, CommitResult, CommitStanding, Loaded, LoadedSnapshot } from "../ports/event-store.ts";

/** Records that one load, or one conflict, brings along: the same page as on Redis, so that callers page here too. */
const PAGE = 128;

export class EntityLog {
  /** Without gaps; the first one is of version 1 until something is trimmed. */
  #records: StoredRecord[] = [];
  #snapshot: LoadedSnapshot | null = null;

  /** The last record's version; 0 if there is none. */
  get version(): number {
    return this.#records.at(-1)?.version ?? 0;
  }

  /** The record of a version; undefined if it is not there (yet, or any more). */
  at(version: number): StoredRecord | undefined {
    return this.#records[version - this.#first];
  }

  /** Null where the log is at `expected`; else how it is not. */
  compare({ version, commitId }: Commit["expected"]): CommitResult | null {
    if (version > this.version) return { kind: "diverged" };
    const there = this.at(version);
    if (version > 0) {
      if (there === undefined) return { kind: "reload" }; // trimmed: there is nothing to compare with
      if (there.commitId !== commitId) return { kind: "diverged" };
    }
    if (version === this.version) return null;
    return { kind: "conflict", missed: this.#from(version, PAGE) };
  }

  /** Whether the commit is there, or was and is trimmed by now. */
  stands({ version, commitId }: Commit["expected"]): CommitStanding {
    if (version > this.version) return { kind: "lost" };
    const there = this.at(version);
    return { kind: there === undefined || there.commitId === commitId ? "stands" : "lost" };
  }

  /** Only after {@link compare} gave null. */
  append(commit: Commit, at: number): void {
    const { commitId, type, records, snapshot, destroy } = commit;
    for (const { messageId, event, reply } of records) {
      this.#records.push({ version: this.version + 1, at, commitId, messageId, type, event, reply });
    }
    if (snapshot !== null) this.#snapshot = { ...snapshot, commitId };
    if (destroy === true) {
      this.#records = this.#records.slice(-1);
      this.#snapshot = null;
    }
  }

  /**
   * @param schema the form of snapshots that can be read; null: read none
   * @param older those of lower forms too
   */
  load(schema: number | null, older: boolean): Loaded {
    const snapshot = this.#usable(schema, older);
    return this.#loaded(snapshot, snapshot?.version ?? 0, PAGE);
  }

  read(from: number, limit: number): Loaded {
    return this.#loaded(null, from, limit);
  }

  /** The last record of each of these messages, back to those that are older than `since` (epoch ms). */
  lastOf(messageIds: readonly string[], since: number): readonly StoredRecord[] {
    const last = new Map<string, StoredRecord>();
    for (let i = this.#records.length - 1; i >= 0; i--) {
      const record = this.#records[i];
      if (record === undefined || record.at < since) break;
      if (messageIds.includes(record.messageId) && !last.has(record.messageId))
        last.set(record.messageId, record);
    }
    return [...last.values()].reverse();
  }

  /** As trim.lua: forgets what the snapshot covers, is below a version, and older than a time (epoch ms). */
  retain(below: number, before: number): "done" | "young" {
    const snapshot = this.#snapshot;
    if (snapshot === null || this.at(snapshot.version)?.commitId !== snapshot.commitId) return "done";
    const least = Math.min(below, snapshot.version);
    const young = this.#records.find(({ at }) => at >= before)?.version ?? least;
    this.trim(Math.min(least, young));
    return young < least ? "young" : "done";
  }

  /** Forgets the records before `keepFrom`; the last one always stays, for commits are compared with it. */
  trim(keepFrom: number): void {
    const least = Math.min(keepFrom, this.version);
    this.#records = this.#records.filter(({ version }) => version >= least);
  }

  /** Forgets the records after `version`, as a server does that comes back without its last writes. */
  rollBack(version: number): void {
    this.#records = this.#records.filter((record) => record.version <= version);
  }

  get #first(): number {
    return this.#records[0]?.version ?? 1;
  }

  #from(version: number, limit: number): readonly StoredRecord[] {
    const start = Math.max(0, version - this.#first);
    return this.#records.slice(start, start + limit);
  }

  #loaded(snapshot: LoadedSnapshot | null, from: number, limit: number): Loaded {
    const records = this.#from(from, limit);
    return {
      kind: "loaded",
      snapshot,
      records,
      more: (records.at(-1)?.version ?? this.version) < this.version,
    };
  }

  /**
   * The snapshot, if records can follow on it. One whose record is of another commit, or lies beyond the end, is of a
   * log that was rolled back.
   */
  #usable(schema: number | null, older: boolean): LoadedSnapshot | null {
    const kept = this.#snapshot;
    if (kept === null || schema === null) return null;
    if (kept.schema !== schema && !(older && kept.schema < schema)) return null;
    const { version, commitId } = kept;
    const there = this.at(version);
    const follows = there === undefined ? this.at(version + 1) !== undefined : there.commitId === commitId;
    return follows ? kept : null;
  }
}
