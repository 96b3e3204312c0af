// Rows of views, as a program looks for them, on any node: from Redis, and from no worker's memory.

import { PachydermError } from "../core/errors.ts";
import { type Json, parseJson } from "../core/json.ts";
import { partitionOf } from "../core/partition.ts";
import { parseId, type Reference } from "../core/reference.ts";
import type { Row, ViewTable } from "../core/view.ts";
import { isIn, memberOf, type Span } from "../core/view-order.ts";
import { unanswered } from "../engine/unanswered.ts";
import type { Clock } from "../ports/clock.ts";
import {
  type CountedRows,
  FEW_BEHIND,
  type FindRows,
  type FoundRow,
  type FoundRows,
  type IndexSpan,
  type NotRead,
  type NotReady,
  type Views,
} from "../ports/views.ts";
import type { RowMaker } from "./row-maker.ts";
import { type CountOptions, type FindOptions, readCountOptions, readFindOptions } from "./view-options.ts";
import { type PartRead, readPage, spanBehind } from "./view-page.ts";

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
  /** Makes rows as they should be, for whoever reads. */
  readonly maker: RowMaker;
  /** Has its rows written as they should be. */
  readonly repair: (reference: Reference, deadline: number) => Promise<unknown>;
  /** The same without waiting for it: if it can be done now. */
  readonly repairLater: (reference: Reference) => void;
}

type Told<A> = Exclude<A, NotReady | NotRead>;

/**
 * Where more than a few rows are behind, they are written as they should be, by those who read, for this part of the time that
 * they have. What is left is made by the reader: how long that takes is not for those to say who write.
 */
const REPAIRED_PART = 1 / 4;
/** Of one partition: to tell of more would hold up everybody else on that Redis. */
const MOST_BEHIND = 2_048;

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
   * STORE_UNAVAILABLE; while its row is not written also WRONG_TYPE, HANDLER_FAILED
   */
  async get(id: string): Promise<R | null> {
    const { views, partitions } = this.#parts;
    const entity = parseId(id);
    const key = { id: entity, partition: partitionOf(entity, partitions) };
    const deadline = this.#deadline();
    const got = await views.get(this.#table, key, deadline);
    if (isNotRead(got)) throw this.#errorOf(got, deadline);
    if (got.kind === "row") return got.row === null ? null : (parseJson(got.row) as R);
    const row = (await this.#make([entity], deadline)).get(entity);
    if (got.kind === "behind") this.#repairLater([entity]);
    return row === undefined || row.text === null ? null : (parseJson(row.text) as R & Json);
  }

  /**
   * Rows by an index, in its order, a page at a time. Each partition is read at moments of its own: what is committed
   * meanwhile may be in the page, or not.
   *
   * @throws PachydermError (as a rejection) INVALID_OPTIONS, INVALID_CURSOR, VIEW_NOT_BUILT, UNREADABLE_EVENT,
   * NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE; where rows are behind also WRONG_TYPE, HANDLER_FAILED
   */
  async find(options: FindOptions<F>): Promise<RowsPage<R>> {
    const { limit, descending, after, ...wanted } = readFindOptions(options, this.#table);
    const { views, partitions } = this.#parts;
    const span = after === null ? wanted.span : spanBehind(wanted.span, after, descending);
    const deadline = this.#deadline();
    const request = { field: wanted.by, span, descending, limit, partitions };
    const read = async (requests: readonly FindRows[]): Promise<readonly PartRead[]> => {
      const ask = (mostBehind: number) => {
        const some = requests.map((one) => ({ ...one, mostBehind }));
        return views.find(this.#table, some, deadline);
      };
      const told = await this.#whenBuilt<Told<FoundRows>>(deadline, ask);
      const made = await this.#makeBehind(told, deadline);
      return told.map((part) => ({ ...part, made: this.#placed(part.behind, made, wanted.by) }));
    };
    const { rows, next } = await readPage(request, read);
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
    const counts = await this.#whenBuilt<Told<CountedRows>>(deadline, (mostBehind) => {
      const one = (_: unknown, partition: number) => ({ partition, span, mostBehind });
      return views.count(this.#table, Array.from({ length: partitions }, one), deadline);
    });
    const made = await this.#makeBehind(counts, deadline);
    const extra =
      span === null ? countRows(made) : this.#placed([...made.keys()], made, span.field, span).length;
    return counts.reduce((sum, { count }) => sum + count, extra);
  }

  /**
   * Rows that were behind when partitions were read, as they are now: at a moment after that, and so not older than what
   * was answered before. Under a steady load of writes by other code some are always behind; so nobody waits until none is.
   */
  async #makeBehind(
    told: readonly { readonly behind: readonly string[] }[],
    deadline: number,
  ): Promise<ReadonlyMap<string, Row>> {
    const ids = told.flatMap(({ behind }) => behind);
    const made = await this.#make(ids, deadline);
    this.#repairLater(ids);
    return made;
  }

  async #make(ids: readonly string[], deadline: number): Promise<ReadonlyMap<string, Row>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#parts.maker.rows(this.#type, this.#table, ids, deadline);
    return new Map(ids.flatMap((id, i) => (rows[i] === undefined ? [] : [[id, rows[i]] as const])));
  }

  /** For the next reader; should it come to nothing, that one makes them again. */
  #repairLater(ids: readonly string[]): void {
    for (const id of ids) this.#parts.repairLater({ type: this.#type, id });
  }

  /** Those of these entities' rows that are in an index, and where. */
  #placed(
    ids: readonly string[],
    made: ReadonlyMap<string, Row>,
    field: string,
    span: Span | null = null,
  ): readonly FoundRow[] {
    const at = this.#table.fields.indexOf(field);
    return ids.flatMap((id) => {
      const { text = null, values = [] } = made.get(id) ?? {};
      const value = values[at] ?? null;
      if (text === null || value === null) return [];
      const member = memberOf(value, id);
      return span === null || isIn(span, member) ? [{ member, row: text }] : [];
    });
  }

  /**
   * Asks until all partitions tell. Where many rows are behind, some are written as they should be, by this node, until there
   * are few: whoever reads them has the code for it. Others may write faster than that; so it is tried for a while, and then
   * all are told.
   */
  async #whenBuilt<T extends { readonly kind: "rows" | "count" }>(
    deadline: number,
    ask: (mostBehind: number) => Promise<readonly (T | NotReady | NotRead)[]>,
  ): Promise<readonly T[]> {
    const { clock, timeoutMs, repair } = this.#parts;
    const repairUntil = deadline - timeoutMs * (1 - REPAIRED_PART);
    let mostBehind = FEW_BEHIND;
    const patientUntil = Math.min(deadline, clock.monotonicMs() + PATIENCE_MS);
    for (;;) {
      const until = clock.monotonicMs() < repairUntil ? repairUntil : deadline;
      const told: T[] = [];
      const repairs: Promise<unknown>[] = [];
      let isBuilt = true;
      for (const answer of await ask(mostBehind)) {
        if (isNotRead(answer)) throw this.#errorOf(answer, deadline);
        if (answer.kind === "unbuilt") isBuilt = false;
        else if (answer.kind === "behind")
          repairs.push(...answer.ids.map((id) => repair({ type: this.#type, id }, until)));
        else told.push(answer);
      }
      if (isBuilt && repairs.length === 0) return told;
      const failed = (await Promise.allSettled(repairs)).find(({ status }) => status === "rejected");
      if (failed?.status === "rejected" && mostBehind === MOST_BEHIND) throw failed.reason;
      // Until then one that fails is no end: why a row cannot be made, its making says.
      if (failed !== undefined || clock.monotonicMs() >= repairUntil) mostBehind = MOST_BEHIND;
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

function countRows(made: ReadonlyMap<string, Row>): number {
  return [...made.values()].filter(({ text }) => text !== null).length;
}
