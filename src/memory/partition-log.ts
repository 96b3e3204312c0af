// The network's log of one partition, in memory.

import type { LogEntry, LogLine } from "../core/log-entry.ts";
import { compareEntries, LOG_START, type LogPlace } from "../core/log-place.ts";
import type { LogPage } from "../ports/log-reader.ts";

export class PartitionLog {
  #entries: LogEntry[] = [];
  #lastMs = 0;
  #number = 0;
  #trimmed = 0;

  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  get end(): LogPlace {
    const last = this.#entries.at(-1);
    return last === undefined ? LOG_START : { entry: last.entry, callId: last.callId, done: 0 };
  }

  /** @param now epoch ms */
  append(now: number, callId: string, lines: readonly LogLine[]): void {
    this.#number = now > this.#lastMs ? 0 : this.#number + 1;
    this.#lastMs = Math.max(now, this.#lastMs);
    this.#entries.push({ entry: `${this.#lastMs}-${this.#number}`, callId, lines });
  }

  holds({ entry, callId }: LogPlace): boolean {
    return this.#entries[this.#indexOf(entry)]?.entry === entry && this.#at(entry)?.callId === callId;
  }

  /** As log-read.lua. */
  read(after: LogPlace, limit: number): LogPage {
    if (after.entry === "0-0") return this.#page(0, limit, this.#entries.length > 0 ? this.#trimmed : 0);
    const index = this.#indexOf(after.entry);
    if (this.#entries[index]?.entry === after.entry) {
      if (this.#entries[index].callId !== after.callId) return diverged(after);
      return this.#page(after.done === 0 ? index + 1 : index, limit, 0);
    }
    if (index > 0 || this.#entries.length === 0) return diverged(after);
    return this.#page(0, limit, Math.max(1, this.#trimmed));
  }

  /** Takes away what comes before an entry, but never the last one. @returns how many */
  trim(keepFrom: string): number {
    const count = Math.min(this.#indexOf(keepFrom), this.#entries.length - 1);
    if (count <= 0) return 0;
    this.#entries = this.#entries.slice(count);
    this.#trimmed += count;
    return count;
  }

  /** Forgets what came after an entry, as a server does that comes back without its last writes. */
  rollBack(entry: string): void {
    this.#entries = this.#entries.filter((one) => compareEntries(one.entry, entry) <= 0);
  }

  #page(from: number, limit: number, truncated: number): LogPage {
    const entries = this.#entries.slice(from, from + limit);
    return { kind: "page", entries, more: entries.length >= limit, truncated };
  }

  #at(entry: string): LogEntry | undefined {
    return this.#entries[this.#indexOf(entry)];
  }

  /** Where the entry is, or the first one after it. */
  #indexOf(entry: string): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareEntries(this.#entries[middle]?.entry ?? entry, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function diverged({ entry, callId }: LogPlace): LogPage {
  return { kind: "diverged", reason: `the log does not hold the entry ${entry} of the call ${callId}` };
}
