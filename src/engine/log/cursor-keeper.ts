// A subscription's cursor in a partition, as its runner moves it: behind what was handled, one move at a time, with the rows
// that belong to it. The runner goes on while a move is on its way.

import { PachydermError } from "../../core/errors.ts";
import { comparePlaces, type LogPlace } from "../../core/log-place.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CursorMove, Cursors, MoveResult, SubscriptionCursor } from "../../ports/cursors.ts";
import { IdSequence } from "../ids.ts";
import { KnownRows } from "./known-rows.ts";
import type { Rest } from "./rest.ts";

export type Keeping =
  | { readonly kind: "running" }
  /** Paused or parked by somebody. */
  | { readonly kind: "stopped" }
  /** Somebody else moved it, rewound it or took it away: what is remembered here is worth nothing. */
  | { readonly kind: "taken" }
  | { readonly kind: "diverged" }
  | { readonly kind: "unreadable"; readonly reason: string }
  /** Told to end before there was an answer. */
  | { readonly kind: "ended" };

export interface KeeperParts {
  readonly cursors: Cursors;
  readonly clock: Clock;
  readonly name: string;
  readonly partition: number;
  readonly rest: Rest;
  /** Called whenever the cursor has moved. */
  readonly moved: () => void;
}

const movers = new IdSequence();
const CALL_MS = 2_000;
const AGAIN_MS = 100;
const running: Keeping = { kind: "running" };

const NONE: ReadonlyMap<string, string | null> = new Map();

export class CursorKeeper {
  readonly #parts: KeeperParts;
  readonly #generation: number;
  /** Two movers may come to the same place, each with rows of its own: only this one's were computed here. */
  readonly #by = movers.next();
  #stored: LogPlace;
  /** What is done and not on its way yet: up to where, and what belongs to it. */
  #reached: LogPlace | null = null;
  #truncated = 0;
  #removed = 0;
  #rows: Map<string, string | null> | null = null;
  /** As they are stored. */
  readonly #known = new KnownRows();
  #moving: CursorMove | null = null;
  #keeping: Promise<Keeping> = Promise.resolve(running);
  #movedAt: number;

  constructor(parts: KeeperParts, { generation, place }: SubscriptionCursor) {
    this.#parts = parts;
    this.#generation = generation;
    this.#stored = place;
    this.#movedAt = parts.clock.monotonicMs();
  }

  get generation(): number {
    return this.#generation;
  }

  /** Where it was last known to be. */
  get stored(): LogPlace {
    return this.#stored;
  }

  /** Up to where everything is done. */
  get at(): LogPlace {
    return this.#reached ?? this.#moving?.to ?? this.#stored;
  }

  /** Milliseconds since the last move began. */
  get age(): number {
    return this.#parts.clock.monotonicMs() - this.#movedAt;
  }

  /** Everything up to this place is done. Called for each event: it makes nothing. */
  reached(to: LogPlace): void {
    this.#reached = to;
  }

  /** So much was gone before the place that is reached. */
  missed(truncated: number, removed: number): void {
    this.#truncated += truncated;
    this.#removed += removed;
  }

  /** Everything up to this place is done, and these rows are to be written with the move to it, or beyond. */
  write(rows: ReadonlyMap<string, string | null>, to: LogPlace): void {
    this.#reached = to;
    this.#rows ??= new Map();
    for (const [key, row] of rows) this.#rows.set(key, row);
  }

  /**
   * A row as handlers have left it, though it may not be stored yet; JSON text, null: there is none.
   * @throws PachydermError STORE_UNAVAILABLE, UNREADABLE_EVENT
   */
  async row(key: string): Promise<string | null> {
    const pending = this.#rows?.get(key);
    const moving = pending === undefined ? this.#moving?.rows.get(key) : pending;
    const known = moving === undefined ? this.#known.get(key) : moving;
    if (known !== undefined) return known;
    const { cursors, clock, name, partition } = this.#parts;
    const stored = this.#stored;
    const answer = await cursors.row(name, partition, key, clock.monotonicMs() + CALL_MS);
    if (answer.kind === "row") {
      // A handler that did not wait for its answer may have had the row written since: this is of before then.
      if (this.#stored === stored) this.#known.set(key, answer.row);
      return answer.row;
    }
    throw new PachydermError(
      answer.kind === "unreadable" ? "UNREADABLE_EVENT" : "STORE_UNAVAILABLE",
      answer.reason,
    );
  }

  /** Begins a move, if none is on its way. */
  begin(): void {
    if (this.#moving === null) this.#begin();
  }

  /** What came of the move that was on its way; then the next one begins. At most one move is behind what was handled. */
  async turn(): Promise<Keeping> {
    const keeping = await this.#keeping;
    if (keeping.kind === "running") this.#begin();
    return keeping;
  }

  /** Everything that is done is stored. */
  async settle(): Promise<Keeping> {
    let keeping = await this.#keeping;
    while (keeping.kind === "running" && this.#reached !== null) {
      this.#begin();
      keeping = await this.#keeping;
    }
    return keeping;
  }

  #begin(): void {
    const to = this.#reached;
    if (to === null || this.#moving !== null) return;
    const { name, partition, clock } = this.#parts;
    this.#movedAt = clock.monotonicMs();
    this.#moving = {
      name,
      partition,
      generation: this.#generation,
      by: this.#by,
      from: this.#stored,
      to,
      truncated: this.#truncated,
      removed: this.#removed,
      rows: this.#rows ?? NONE,
    };
    this.#reached = null;
    this.#truncated = 0;
    this.#removed = 0;
    this.#rows = null;
    this.#keeping = this.#move(this.#moving);
  }

  /**
   * Asked again until there is an answer: one that was lost may have been carried out, and then the same move is found to
   * be done. Nothing else is asked meanwhile.
   */
  async #move(move: CursorMove): Promise<Keeping> {
    const { cursors, clock, rest } = this.#parts;
    for (;;) {
      const result = await cursors.move(move, clock.monotonicMs() + CALL_MS);
      if (result.kind !== "unavailable") return this.#answered(move, result);
      if (rest.isEnded) return { kind: "ended" };
      await rest.until("ended", AGAIN_MS);
    }
  }

  #answered(move: CursorMove, result: Exclude<MoveResult, { kind: "unavailable" }>): Keeping {
    this.#moving = null;
    switch (result.kind) {
      case "moved":
        this.#stored = move.to;
        for (const [key, row] of move.rows) this.#known.set(key, row);
        this.#parts.moved();
        return result.status === "running" ? running : { kind: "stopped" };
      case "refused":
        return isLost(result.cursor, move) ? { kind: "diverged" } : { kind: "taken" };
      default:
        return result;
    }
  }
}

/**
 * Whether a cursor is of before what was stored: nobody moves it back, and a rewind raises the generation. So Redis has lost
 * the move that brought it to `from`.
 */
export function isLost(
  cursor: SubscriptionCursor | undefined,
  { generation, from }: { readonly generation: number; readonly from: LogPlace },
): boolean {
  if (cursor === undefined) return false; // it was removed, or lost with its beginning: the log will tell
  if (cursor.generation !== generation) return cursor.generation < generation;
  return comparePlaces(cursor.place, from) < 0;
}
