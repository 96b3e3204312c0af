// What stands in a partition's log after a place, in pieces of bounded size, one of them read ahead.

import type { LogEntry, LogLine } from "../../core/log-entry.ts";
import type { LogPlace } from "../../core/log-place.ts";
import type { StoredRecord } from "../../core/record.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LogPage, LogReader } from "../../ports/log-reader.ts";

export interface FeedItem {
  readonly id: string;
  readonly record: StoredRecord;
  /** Behind this record. */
  readonly place: LogPlace;
}

export type Feed =
  | {
      readonly kind: "items";
      readonly items: readonly FeedItem[];
      /** Behind all of it, what was not wanted included. */
      readonly end: LogPlace;
      /** Whether more is there already. */
      readonly more: boolean;
      /** Entries that were trimmed before this, at least. */
      readonly truncated: number;
      /** Records that were gone, of those that were wanted. */
      readonly removed: number;
    }
  | Exclude<LogPage, { readonly kind: "page" }>;

/** Entries of one call; and records of one piece, unless one commit alone has more. */
const PAGE = 256;
const PIECE = 512;
const CALL_MS = 5_000;

/** A line, and where it ends. */
interface Step {
  readonly line: LogLine;
  readonly entry: LogEntry;
  /** Records of the entry that stand before the line. */
  readonly before: number;
  /** Behind the line. */
  readonly end: LogPlace;
}

export interface FeedParts {
  readonly reader: LogReader;
  readonly clock: Clock;
  readonly partition: number;
  /** Lines of other types are passed over: their records are not read. */
  readonly wants: (line: LogLine) => boolean;
}

export class LogFeed {
  readonly #parts: FeedParts;
  #place: LogPlace;
  #steps: readonly Step[] = [];
  #more = false;
  #truncated = 0;
  #ahead: Promise<Feed> | null = null;

  constructor(parts: FeedParts, after: LogPlace) {
    this.#parts = parts;
    this.#place = after;
  }

  /** The next piece; empty at the end of the log. After anything but items, the same is asked for again. */
  async next(): Promise<Feed> {
    const ahead = this.#ahead ?? this.#read();
    this.#ahead = null;
    const feed = await ahead;
    if (feed.kind === "items" && feed.more) this.#ahead = this.#read();
    return feed;
  }

  async #read(): Promise<Feed> {
    const { reader, clock, partition } = this.#parts;
    const deadline = clock.monotonicMs() + CALL_MS;
    if (this.#steps.length === 0) {
      const page = await reader.read(partition, this.#place, PAGE, deadline);
      if (page.kind !== "page") return page;
      this.#steps = stepsOf(page.entries, this.#place);
      this.#more = page.more;
      this.#truncated += page.truncated;
    }
    const piece = this.#piece();
    const wanted = piece.filter(({ line }) => this.#parts.wants(line));
    if (wanted.length === 0) return this.#passed(piece, [], 0);
    const answer = await reader.records(
      partition,
      wanted.map(({ line }) => line),
      deadline,
    );
    if (answer.kind !== "records") return answer;
    const read = wanted.slice(0, answer.lines.length);
    const last = read.length < wanted.length ? read.at(-1) : undefined;
    const passed = last === undefined ? piece : piece.slice(0, piece.indexOf(last) + 1);
    const items: FeedItem[] = [];
    let removed = 0;
    for (const [i, step] of read.entries()) {
      const records = answer.lines[i] ?? [];
      removed += step.line.count - records.length;
      for (const record of records)
        items.push({ id: step.line.id, record, place: placeOf(step, record.version) });
    }
    return this.#passed(passed, items, removed);
  }

  #piece(): readonly Step[] {
    let records = 0;
    const end = this.#steps.findIndex(({ line }) => {
      records += line.count;
      return records > PIECE;
    });
    return end < 0 ? this.#steps : this.#steps.slice(0, Math.max(1, end));
  }

  #passed(piece: readonly Step[], items: readonly FeedItem[], removed: number): Feed {
    const end = piece.at(-1)?.end ?? this.#place;
    const truncated = this.#truncated;
    this.#truncated = 0;
    this.#place = end;
    this.#steps = this.#steps.slice(piece.length);
    return { kind: "items", items, end, more: this.#steps.length > 0 || this.#more, truncated, removed };
  }
}

/** What is to be done of entries after a place, which may lie within the first one. */
function stepsOf(entries: readonly LogEntry[], after: LogPlace): readonly Step[] {
  const steps: Step[] = [];
  for (const entry of entries) {
    const total = entry.lines.reduce((sum, { count }) => sum + count, 0);
    const done = entry.entry === after.entry ? after.done : 0;
    let before = 0;
    for (const line of entry.lines) {
      const behind = before + line.count;
      if (behind > done) {
        const skip = Math.max(0, done - before);
        const rest = skip === 0 ? line : { ...line, first: line.first + skip, count: line.count - skip };
        const end = { entry: entry.entry, callId: entry.callId, done: behind === total ? 0 : behind };
        steps.push({ line: rest, entry, before: before + skip, end });
      }
      before = behind;
    }
  }
  return steps;
}

function placeOf({ line, entry, before, end }: Step, version: number): LogPlace {
  const last = version === line.first + line.count - 1;
  return last ? end : { entry: entry.entry, callId: entry.callId, done: before + version - line.first + 1 };
}
