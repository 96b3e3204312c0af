// Rows of views, as a program looks for them, on any node: from Redis, and from no worker's memory.

import { PachydermError } from "../core/errors.ts";
import { type Json, parseJson } from "../core/json.ts";
import { partitionOf } from "../core/partition.ts";
import { parseId, type Reference } from "../core/reference.ts";
import type { ViewTable } from "../core/view.ts";
import {
  compareTexts,
  isIndexValue,
  partsOfMember,
  type Span,
  sameKind,
  spanOf,
} from "../core/view-order.ts";
import type { Answer } from "../engine/envelope.ts";
import { unanswered } from "../engine/unanswered.ts";
import type { Clock } from "../ports/clock.ts";
import type { CountedRows, FoundRows, IndexSpan, NotRead, NotReady, Views } from "../ports/views.ts";
import { checkNames, invalidOption, isWhole } from "./read-only.ts";
import { readPage, spanBehind } from "./view-page.ts";

/** What an index can be asked for. */
export type IndexedValue = number | string | boolean;

/** Which rows to find. `F`: the indexes. */
export interface FindOptions<F extends string = string> {
  /** The index, by which the rows are in order: booleans, then numbers, then texts, code point by code point. */
  readonly by: F;
  /** From this value on, inclusive. Default: the first one of its kind. One value alone is `from` and `to`. */
  readonly from?: IndexedValue;
  /** Up to this value, inclusive; of the kind of `from`. Default: the last one of its kind. */
  readonly to?: IndexedValue;
  /** Default `"ascending"`. Rows of one value are in the order of their ids. */
  readonly order?: "ascending" | "descending";
  /** At most so many, 1 to 1,000. Default 100. */
  readonly limit?: number;
  /** What the last page gave as `next`. Default: from the beginning. */
  readonly after?: string;
}

/** Which rows to count. */
export type CountOptions<F extends string = string> = Pick<FindOptions<F>, "by" | "from" | "to">;

/** Some of the rows that were asked for, in order. */
export interface RowsPage<R> {
  readonly rows: readonly R[];
  /** For the next page; null: there was nothing more. */
  readonly next: string | null;
}

export interface ViewsParts {
  readonly views: Views;
  readonly partitions: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** @throws PachydermError NODE_STOPPING */
  readonly checkRunning: () => void;
  /** The entity as it is now, from wherever it lives. */
  readonly get: (reference: Reference) => Promise<Answer>;
  /** Has its rows written as they should be. */
  readonly repair: (reference: Reference, deadline: number) => Promise<unknown>;
}

type Told<A> = Exclude<A, NotReady | NotRead>;

/** While a view is being built, so long is waited for it, milliseconds, and looked again after each pause. */
const PATIENCE_MS = 1_000;
const PAUSE_MS = 25;

/**
 * A view of an entity type. What was committed before it is asked is in the answer, whoever committed it. Made by
 * {@link Pachyderm.view}. `R`: the rows, `F`: the indexes.
 */
export class View<R = object, F extends string = string> {
  readonly #parts: ViewsParts;
  readonly #type: string;
  readonly #table: ViewTable;

  constructor(parts: ViewsParts, type: string, table: ViewTable) {
    this.#parts = parts;
    this.#type = type;
    this.#table = table;
  }

  /**
   * The row of an entity; null if it has none, or is destroyed.
   *
   * @throws PachydermError (as a rejection) INVALID_REFERENCE, UNREADABLE_EVENT, NODE_STOPPING, DEADLINE_EXCEEDED,
   * STORE_UNAVAILABLE; while the view is being built also what `Pachyderm.get` throws
   */
  async get(id: string): Promise<R | null> {
    const { views, partitions } = this.#parts;
    const reference = { type: this.#type, id: parseId(id) };
    const key = { id: reference.id, partition: partitionOf(reference.id, partitions) };
    const deadline = this.#deadline();
    const got = await views.get(this.#table, key, deadline);
    if (isNotRead(got)) throw this.#errorOf(got, deadline);
    if (got.kind === "row") return got.row === null ? null : (parseJson(got.row) as R);
    return await this.#compute(reference);
  }

  /**
   * Rows by an index, in its order, a page at a time. Each partition is read at a moment of its own: what is committed
   * meanwhile may be in the page, or not.
   *
   * @throws PachydermError (as a rejection) INVALID_OPTIONS, INVALID_CURSOR, VIEW_NOT_BUILT, UNREADABLE_EVENT,
   * NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async find(options: FindOptions<F>): Promise<RowsPage<R>> {
    const { limit, descending, after, ...wanted } = readFindOptions(options, this.#table);
    const { views, partitions } = this.#parts;
    const span = after === null ? wanted.span : spanBehind(wanted.span, after, descending);
    const deadline = this.#deadline();
    const request = { field: wanted.by, span, descending, limit, partitions };
    const { rows, next } = await readPage(request, (requests) =>
      this.#whenBuilt<Told<FoundRows>>(deadline, () => views.find(this.#table, requests, deadline)),
    );
    return {
      rows: rows.map(({ row }) => parseJson(row) as R),
      next: next === null ? null : Buffer.from(next).toString("base64url"),
    };
  }

  /**
   * How many rows there are; with `by`, of those that are found by it.
   *
   * @throws PachydermError (as a rejection) as `find`
   */
  async count(options?: CountOptions<F>): Promise<number> {
    const { views, partitions } = this.#parts;
    let span: IndexSpan | null = null;
    if (options !== undefined) {
      const { by, ...wanted } = readCountOptions(options, this.#table);
      span = { field: by, ...wanted.span };
    }
    const deadline = this.#deadline();
    const requests = Array.from({ length: partitions }, (_, partition) => ({ partition, span }));
    const counts = await this.#whenBuilt<Told<CountedRows>>(deadline, () =>
      views.count(this.#table, requests, deadline),
    );
    return counts.reduce((sum, { count }) => sum + count, 0);
  }

  /** Where the row cannot be read, it is made of the state as it is now. */
  async #compute(reference: Reference): Promise<R | null> {
    try {
      const { version, value } = await this.#parts.get(reference);
      if (version === 0) return null;
      const { text } = this.#table.rowOf(value, reference.id);
      return text === null ? null : (parseJson(text) as R & Json);
    } catch (thrown) {
      if (thrown instanceof PachydermError && thrown.code === "DESTROYED") return null;
      throw thrown;
    }
  }

  /**
   * Asks until all partitions tell. Rows that are behind are written as they should be, by this node: whoever reads them
   * has the code for it.
   */
  async #whenBuilt<T extends { readonly kind: "rows" | "count" }>(
    deadline: number,
    ask: () => Promise<readonly (T | NotReady | NotRead)[]>,
  ): Promise<readonly T[]> {
    const { clock, repair } = this.#parts;
    const patientUntil = Math.min(deadline, clock.monotonicMs() + PATIENCE_MS);
    for (;;) {
      const told: T[] = [];
      const repairs: Promise<unknown>[] = [];
      let isBuilt = true;
      for (const answer of await ask()) {
        if (isNotRead(answer)) throw this.#errorOf(answer, deadline);
        if (answer.kind === "unbuilt") isBuilt = false;
        else if (answer.kind === "behind")
          repairs.push(...answer.ids.map((id) => repair({ type: this.#type, id }, deadline)));
        else told.push(answer);
      }
      if (isBuilt && repairs.length === 0) return told;
      await Promise.all(repairs);
      if (isBuilt) continue;
      if (clock.monotonicMs() >= patientUntil) {
        const message = `the view ${this.#table.name} of ${this.#type} is being built`;
        throw new PachydermError("VIEW_NOT_BUILT", message);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #errorOf({ kind, reason }: NotRead, deadline: number): PachydermError {
    if (kind === "unreadable") return new PachydermError("UNREADABLE_EVENT", reason);
    return unanswered(reason, deadline, this.#parts.clock);
  }

  #deadline(): number {
    this.#parts.checkRunning();
    return this.#parts.clock.monotonicMs() + this.#parts.timeoutMs;
  }
}

function isNotRead(answer: { readonly kind: string }): answer is NotRead {
  return answer.kind === "unreadable" || answer.kind === "unavailable";
}

function readFindOptions(options: unknown, table: ViewTable) {
  const given = checkNames<FindOptions>(options, ["by", "from", "to", "order", "limit", "after"]);
  const { order = "ascending", limit = 100, after } = given;
  if (order !== "ascending" && order !== "descending")
    throw invalidOption("order is ascending or descending");
  if (!isWhole(limit, 1, 1_000)) throw invalidOption("limit is a whole number from 1 to 1,000");
  const { by, span } = readRange(given, table);
  return { by, span, limit, descending: order === "descending", after: readAfter(after, span) };
}

function readCountOptions(options: unknown, table: ViewTable) {
  return readRange(checkNames<CountOptions>(options, ["by", "from", "to"]), table);
}

function readRange({ by, from, to }: CountOptions, { name, fields }: ViewTable) {
  if (!fields.includes(by)) {
    const known = fields.join(", ") || "none";
    throw invalidOption(`by is an index of the view ${name} (there are: ${known})`);
  }
  for (const [what, value] of Object.entries({ from, to })) {
    if (value !== undefined && !isIndexValue(value))
      throw invalidOption(`${what} is a number, a boolean or a text of at most 1,000 characters`);
  }
  if (from !== undefined && to !== undefined && !sameKind(from, to))
    throw invalidOption("from and to are of one kind");
  return { by, span: spanOf(from, to) };
}

function readAfter(after: unknown, { from, to }: Span): string | null {
  if (after === undefined) return null;
  const member = typeof after === "string" ? Buffer.from(after, "base64url").toString() : "";
  const isIn =
    partsOfMember(member) !== undefined && compareTexts(member, from) >= 0 && compareTexts(member, to) < 0;
  if (!isIn) throw new PachydermError("INVALID_CURSOR", "after is what the page before gave as next");
  return member;
}
