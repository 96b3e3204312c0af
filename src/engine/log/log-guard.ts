// Promise 12 for the log: this node remembers the last entry that it saw in each partition, and what it wrote since, and looks
// for both whenever a connection is made anew. What is not there any more, Redis has lost.

import type { LogEntry } from "../../core/log-entry.ts";
import { entryTime, LOG_START, type LogPlace } from "../../core/log-place.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LogReader } from "../../ports/log-reader.ts";

export interface GuardParts {
  readonly reader: LogReader;
  readonly clock: Clock;
  readonly partitions: number;
  readonly lost: (partition: number, entry: string) => void;
}

interface Remembered {
  /** An entry that was seen in the log, before what is searched for; null: nothing yet. */
  from: LogPlace | null;
  /** The call of this process that was answered last, unless the log was seen to hold it. */
  call: { readonly id: string; readonly at: number } | null;
}

/** How often what was written is looked for where the connection stands: what is seen then need not be searched for later. */
const LOOK_MS = 1_000;
const CALL_MS = 5_000;
const PAGE = 1_000;

export class LogGuard {
  readonly #parts: GuardParts;
  readonly #remembered: readonly Remembered[];
  readonly #offs: readonly (() => void)[];
  #timer: NodeJS.Timeout | undefined;
  /** Raised with each new connection: what was asked before it may be answered by another server. */
  #connection = 0;
  /** Whether nothing was looked for since. */
  #isNew = true;
  #looking = false;
  readonly #first = Promise.withResolvers<void>();
  #closed = false;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    this.#remembered = Array.from({ length: parts.partitions }, () => ({ from: null, call: null }));
    this.#offs = [
      parts.reader.onAppend((partition, id, at) => {
        const remembered = this.#remembered[partition];
        if (remembered !== undefined) remembered.call = { id, at };
      }),
      parts.reader.onReconnect(() => {
        this.#connection += 1;
        this.#isNew = true;
        this.#schedule(0);
      }),
    ];
    this.#schedule(0);
  }

  /**
   * Resolves when something is remembered of each partition, or after `ms`: what is lost before that, nobody could tell.
   */
  async ready(ms: number): Promise<void> {
    const timer = setTimeout(this.#first.resolve, ms);
    await this.#first.promise;
    clearTimeout(timer);
  }

  close(): void {
    this.#closed = true;
    this.#first.resolve();
    clearTimeout(this.#timer);
    for (const off of this.#offs) off();
  }

  #schedule(ms: number): void {
    if (this.#closed || this.#looking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const isNew = this.#isNew;
    const connection = this.#connection;
    const due = [...this.#remembered.keys()].filter(
      (partition) => isNew || this.#remembered[partition]?.call !== null,
    );
    const all = await Promise.all(due.map((partition) => this.#lookAt(partition, isNew)));
    this.#looking = false;
    if (all.every((done) => done)) this.#first.resolve();
    if (connection === this.#connection && all.every((done) => done)) this.#isNew = false;
    this.#schedule(connection === this.#connection ? LOOK_MS : 0);
  }

  /**
   * On a connection that stands, the end that is seen is behind every call that was answered before. Else the call itself
   * must be found: after the entry that was seen, which is of before it.
   */
  async #lookAt(partition: number, isNew: boolean): Promise<boolean> {
    const { reader, clock } = this.#parts;
    const remembered = this.#remembered[partition];
    if (remembered === undefined) return true;
    const connection = this.#connection;
    const { from, call } = remembered;
    const answer = await reader.ends([partition], clock.monotonicMs() + CALL_MS);
    if (answer.kind !== "ends") return false;
    // A call whose answer was so slow that the entry may be of after it cannot be searched for.
    const searched =
      isNew && call !== null && from !== null && entryTime(from.entry) < call.at ? call.id : null;
    const found = from === null ? "found" : await this.#search(partition, from, searched);
    if (found === "unknown" || (!isNew && connection !== this.#connection)) return false;
    const [end = LOG_START] = answer.places;
    if (found === "lost") this.#parts.lost(partition, from?.entry ?? "");
    if (remembered.call === call) remembered.call = null;
    const pending = remembered.call;
    if (found === "lost" || pending === null || entryTime(end.entry) < pending.at) remembered.from = end;
    return true;
  }

  async #search(
    partition: number,
    from: LogPlace,
    callId: string | null,
  ): Promise<"found" | "lost" | "unknown"> {
    const { reader, clock } = this.#parts;
    let after = from;
    for (;;) {
      const page = await reader.read(
        partition,
        after,
        callId === null ? 1 : PAGE,
        clock.monotonicMs() + CALL_MS,
      );
      if (page.kind === "diverged") return "lost";
      if (page.kind !== "page") return "unknown";
      // Trimmed: what was seen is old by now, and so is the call.
      if (callId === null || page.truncated > 0 || page.entries.some((entry) => entry.callId === callId))
        return "found";
      const end: LogEntry | undefined = page.entries.at(-1);
      if (!page.more || end === undefined) return "lost";
      after = { entry: end.entry, callId: end.callId, done: 0 };
    }
  }
}
