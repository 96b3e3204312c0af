// One who follows an entity: past events from its records, then those that the partition's reader brings. Whoever is slow is
// not waited for: what does not fit in its queue is read from the records again, when it comes to that.

import { PachydermError } from "../../core/errors.ts";
import { DESTROYED_RECORD, isSystemRecord, type StoredRecord } from "../../core/record.ts";
import type { Recorded } from "../../core/recorded.ts";
import type { Reference } from "../../core/reference.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EntityKey, EventStore } from "../../ports/event-store.ts";
import type { Hearer } from "./fanout.ts";
import { Rest } from "./rest.ts";

export interface FollowingParts {
  readonly reference: Reference;
  readonly key: EntityKey;
  readonly store: EventStore;
  readonly clock: Clock;
  /** The first version that is wanted. */
  readonly from: number;
  /** The commit that must be before it; null: whatever is. */
  readonly after: { readonly version: number; readonly commitId: string } | null;
  readonly signal: AbortSignal | null;
  readonly truncated: (gap: Gap) => void;
  /** Shared between followers: the same record gives the same object. */
  readonly recorded: (record: StoredRecord) => Recorded;
  /** @throws PachydermError WRONG_TYPE */
  readonly checkType: (record: StoredRecord) => void;
  /** Resolves when whatever is committed from then on is heard. */
  readonly join: (follower: Following) => Promise<void>;
  readonly leave: (follower: Following) => void;
}

/** Versions that are gone: retention has removed them. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

const CALL = 128;
const CALL_MS = 5_000;
const AGAIN_MS = 250;
/** Records that wait for a slow follower. */
const QUEUE = 256;

export class Following implements Hearer {
  readonly #parts: FollowingParts;
  readonly #rest = new Rest();
  readonly #onAbort = (): void => this.end();
  #queue: StoredRecord[] = [];
  /** Of those in `queue`, the ones that were taken. */
  #taken = 0;
  /** The last record that was seen, shown or not. */
  #last: FollowingParts["after"];
  /** The version that comes next. */
  #next: number;
  /** Whether the records must be asked before the queue is believed. */
  #behind = true;
  #opened: Promise<void> | null = null;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
    this.#next = parts.from;
    this.#last = parts.after;
    parts.signal?.addEventListener("abort", this.#onAbort);
    if (parts.signal?.aborted === true) this.end();
  }

  /**
   * Resolves when the past has been looked at.
   * @throws PachydermError WRONG_TYPE, DESTROYED, LOG_DIVERGED, UNREADABLE_EVENT
   */
  open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /**
   * The next event; undefined: it was ended.
   * @throws PachydermError as `open`
   */
  async next(): Promise<Recorded | undefined> {
    await this.open();
    while (!this.#rest.isEnded) {
      const record = this.#queue[this.#taken];
      if (record !== undefined) {
        this.#taken += 1;
        const shown = this.#see(record);
        if (shown !== null) return shown;
      } else if (this.#behind) {
        await this.#look();
      } else {
        this.#queue = [];
        this.#taken = 0;
        await this.#rest.until("hinted", null);
      }
    }
    return undefined;
  }

  /** No more comes. */
  end(): void {
    if (this.#rest.isEnded) return;
    this.#rest.end();
    this.#queue = [];
    this.#taken = 0;
    this.#parts.signal?.removeEventListener("abort", this.#onAbort);
    this.#parts.leave(this);
  }

  hear(records: readonly StoredRecord[]): void {
    if (this.#behind || this.#rest.isEnded) return; // the records themselves are asked
    if (this.#taken > QUEUE) {
      this.#queue = this.#queue.slice(this.#taken);
      this.#taken = 0;
    }
    if (this.#queue.length - this.#taken + records.length > QUEUE) this.#behind = true;
    else this.#queue.push(...records);
    this.#rest.hint();
  }

  doubt(): void {
    this.#behind = true;
    this.#rest.hint();
  }

  async #open(): Promise<void> {
    if (this.#rest.isEnded) return;
    await this.#parts.join(this); // before the past is read: nothing may come between the two
    await this.#look();
  }

  /**
   * A page of records, from the last one that was seen on: its commit is compared. After the last page the queue is believed
   * again. It is empty then: while the records were to be asked nothing was put into it.
   */
  async #look(): Promise<void> {
    const { store, clock, key } = this.#parts;
    this.#queue = this.#queue.slice(this.#taken);
    this.#taken = 0;
    // From here on what is heard is queued; what the page brings as well is recognised by its version.
    this.#behind = false;
    const from = this.#last?.version ?? this.#next;
    const answer = await store.read(key, Math.max(1, from), CALL, clock.monotonicMs() + CALL_MS);
    if (this.#rest.isEnded) return;
    if (answer.kind === "unavailable") {
      this.#behind = true;
      await this.#rest.until("ended", AGAIN_MS);
      return;
    }
    if (answer.kind === "unreadable")
      throw this.#failed(new PachydermError("UNREADABLE_EVENT", answer.reason));
    const { records, more } = answer;
    this.#compare(records);
    this.#queue = more ? [...records] : [...records, ...this.#queue];
    if (more) this.#behind = true;
  }

  /** A page with what was seen. @throws PachydermError LOG_DIVERGED, WRONG_TYPE, DESTROYED */
  #compare([first]: readonly StoredRecord[]): void {
    const last = this.#last;
    const isLost =
      last !== null &&
      last.version > 0 &&
      (first === undefined || (first.version === last.version && first.commitId !== last.commitId));
    if (isLost) {
      const message = `the log does not hold the commit of version ${last.version} that was seen there`;
      throw this.#failed(new PachydermError("LOG_DIVERGED", message));
    }
    if (first === undefined) return;
    this.#check(first);
    if (first.version <= this.#next) return;
    this.#parts.truncated({ from: this.#next, to: first.version - 1 });
    this.#next = first.version;
  }

  /** Null: it was seen before, or is not shown, or what is between must be asked first. */
  #see(record: StoredRecord): Recorded | null {
    const { version, commitId, event } = record;
    if (version < this.#next) return null;
    this.#check(record);
    if (version > this.#next) {
      this.#behind = true;
      this.#queue = [];
      this.#taken = 0;
      return null;
    }
    try {
      this.#last = { version, commitId };
      this.#next = version + 1;
      return isSystemRecord(event) ? null : this.#parts.recorded(record);
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  /** @throws PachydermError WRONG_TYPE, DESTROYED */
  #check(record: StoredRecord): void {
    try {
      this.#parts.checkType(record);
      if (record.event === DESTROYED_RECORD) throw destroyed(this.#parts.reference.id, record.version);
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  #failed(thrown: unknown): unknown {
    this.end();
    return thrown;
  }
}

function destroyed(id: string, version: number): PachydermError {
  return new PachydermError("DESTROYED", `the entity ${id} was destroyed at version ${version}`);
}
