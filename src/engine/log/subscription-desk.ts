// What can be asked of a subscription from any node, whether it runs it or not: all partitions together.

import { PachydermError } from "../../core/errors.ts";
import { logCursorOf } from "../../core/log-cursor.ts";
import { comparePlaces, entryTime, type LogPlace } from "../../core/log-place.ts";
import type { Lag, PartitionLag } from "../../core/subscription.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CursorChange, Cursors, RowsAnswer, SubscriptionCursor } from "../../ports/cursors.ts";
import type { LogReader } from "../../ports/log-reader.ts";
import { unanswered } from "../unanswered.ts";

export interface DeskParts {
  readonly network: string;
  readonly partitions: number;
  readonly reader: LogReader;
  readonly cursors: Cursors;
  readonly clock: Clock;
  /** The store's time, epoch ms. */
  readonly now: () => number;
}

type Rows = Extract<RowsAnswer, { readonly kind: "rows" }>;

export class SubscriptionDesk {
  readonly #parts: DeskParts;
  readonly #all: readonly number[];

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#all = Array.from({ length: parts.partitions }, (_, partition) => partition);
  }

  /** @throws PachydermError DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT */
  async begin(name: string, from: (partition: number) => LogPlace | "now", deadline: number): Promise<void> {
    await this.#change(name, (partition) => ({ kind: "begin", at: from(partition) }), deadline);
  }

  /** Those that there are. @throws PachydermError DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT */
  async names(deadline: number): Promise<readonly string[]> {
    const answers = await Promise.all(
      this.#all.map((partition) => this.#parts.cursors.names(partition, deadline)),
    );
    return [
      ...new Set(answers.flatMap((answer) => this.#definite(answer, "names", deadline).names)),
    ].toSorted();
  }

  /** Where it stands in each partition. @throws PachydermError DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT, INVALID_OPTIONS */
  async cursors(name: string, deadline: number): Promise<readonly SubscriptionCursor[]> {
    const answers = await Promise.all(
      this.#all.map((partition) => this.#parts.cursors.load(name, partition, deadline)),
    );
    const found = answers
      .map((answer) => this.#definite(answer, "cursor", deadline).cursor)
      .filter((cursor) => cursor !== undefined);
    if (found.length === this.#all.length) return found;
    throw new PachydermError("INVALID_OPTIONS", `there is no subscription ${name} in this network`);
  }

  /** @throws PachydermError as `cursors` */
  async cursor(name: string, deadline: number): Promise<string> {
    const found = await this.cursors(name, deadline);
    return logCursorOf(
      this.#parts.network,
      found.map(({ place }) => place),
    );
  }

  /** @throws PachydermError as `cursors` */
  async lag(name: string, deadline: number): Promise<Lag> {
    const found = await this.cursors(name, deadline);
    const ends = this.#definite(await this.#parts.reader.ends(this.#all, deadline), "ends", deadline).places;
    const partitions = await Promise.all(
      found.map(async ({ place, status, error, truncated, removed }, partition): Promise<PartitionLag> => {
        const caughtUp = comparePlaces(place, ends[partition] ?? place) >= 0;
        const behindMs = caughtUp ? 0 : await this.#behind(partition, place, deadline);
        return { partition, status, error, behindMs, truncated, removed };
      }),
    );
    const behindMs = partitions.reduce((most, one) => Math.max(most, one.behindMs), 0);
    return { caughtUp: partitions.every((one) => one.behindMs === 0), behindMs, partitions };
  }

  /** @throws PachydermError as `cursors` */
  async pause(name: string, deadline: number): Promise<void> {
    await this.#changeExisting(name, () => ({ kind: "pause" }), deadline);
  }

  /** @throws PachydermError as `cursors` */
  async resume(name: string, deadline: number): Promise<void> {
    await this.#changeExisting(name, () => ({ kind: "resume" }), deadline);
  }

  /**
   * @param clear whether the rows of its projection are removed
   * @throws PachydermError as `cursors`; LOG_DIVERGED if the log does not hold one of the places, and did not trim it
   */
  async rewind(
    name: string,
    to: (partition: number) => LogPlace | "now",
    clear: boolean,
    deadline: number,
  ): Promise<void> {
    await this.check(to, deadline);
    await this.#changeExisting(name, (partition) => ({ kind: "rewind", at: to(partition), clear }), deadline);
  }

  /** @throws PachydermError DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT */
  async remove(name: string, deadline: number): Promise<void> {
    await this.#change(name, () => ({ kind: "remove" }), deadline);
  }

  /**
   * Whether the log holds these places, or held them until they were trimmed.
   * @throws PachydermError LOG_DIVERGED, DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT
   */
  async check(places: (partition: number) => LogPlace | "now", deadline: number): Promise<void> {
    await Promise.all(
      this.#all.map(async (partition) => {
        const place = places(partition);
        if (place === "now" || place.entry === "0-0") return;
        const page = await this.#parts.reader.read(partition, place, 1, deadline);
        if (page.kind === "diverged")
          throw new PachydermError("LOG_DIVERGED", `partition ${partition}: ${page.reason}`);
        this.#definite(page, "page", deadline);
      }),
    );
  }

  async row(name: string, partition: number, key: string, deadline: number): Promise<string | null> {
    const answer = await this.#parts.cursors.row(name, partition, key, deadline);
    return this.#definite(answer, "row", deadline).row;
  }

  /** All rows, partition by partition. @param deadline of each call */
  async *rows(
    name: string,
    deadline: () => number,
  ): AsyncGenerator<readonly [key: string, row: string], void, undefined> {
    for (const partition of this.#all) {
      let from: string | null = null;
      const seen = new Set<string>();
      do {
        const until = deadline();
        const asked: RowsAnswer = await this.#parts.cursors.rows(name, partition, from, until);
        const answer: Rows = this.#definite(asked, "rows", until);
        for (const row of answer.rows) if (!seen.has(row[0])) yield row;
        for (const [key] of answer.rows) seen.add(key);
        from = answer.next;
      } while (from !== null);
    }
  }

  async #behind(partition: number, place: LogPlace, deadline: number): Promise<number> {
    const page = await this.#parts.reader.read(partition, place, 1, deadline);
    const [next] = page.kind === "page" ? page.entries : [];
    // 1 and not 0, for it is behind; a clock that went back must not say otherwise.
    return next === undefined ? 1 : Math.max(1, this.#parts.now() - entryTime(next.entry));
  }

  async #changeExisting(
    name: string,
    change: (partition: number) => CursorChange,
    deadline: number,
  ): Promise<void> {
    await this.cursors(name, deadline);
    await this.#change(name, change, deadline);
  }

  async #change(name: string, change: (partition: number) => CursorChange, deadline: number): Promise<void> {
    const answers = await Promise.all(
      this.#all.map((partition) => this.#parts.cursors.change(name, partition, change(partition), deadline)),
    );
    for (const answer of answers) this.#definite(answer, "cursor", deadline);
  }

  #definite<A extends { readonly kind: string }, const K extends A["kind"]>(
    answer: A,
    kind: K,
    deadline: number,
  ): Extract<A, { readonly kind: K }> {
    return definite(answer, kind, deadline, this.#parts.clock);
  }
}

/**
 * The answer, if it is what was hoped for.
 * @param deadline of what was asked, monotonic ms
 * @throws PachydermError DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT
 */
export function definite<A extends { readonly kind: string }, const K extends A["kind"]>(
  answer: A,
  kind: K,
  deadline: number,
  clock: Clock,
): Extract<A, { readonly kind: K }> {
  if (answer.kind === kind) return answer as Extract<A, { readonly kind: K }>;
  const reason = "reason" in answer ? String(answer.reason) : answer.kind;
  if (answer.kind === "unreadable") throw new PachydermError("UNREADABLE_EVENT", reason);
  throw unanswered(reason, deadline, clock);
}
