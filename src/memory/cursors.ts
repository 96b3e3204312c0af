// Where the subscriptions stand, in this process's memory. Twin of redis/cursors.ts.

import { comparePlaces, type LogPlace } from "../core/log-place.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  CursorAnswer,
  CursorChange,
  CursorMove,
  Cursors,
  MoveResult,
  NamesAnswer,
  RowAnswer,
  RowsAnswer,
  SubscriptionCursor,
  TrimAnswer,
} from "../ports/cursors.ts";
import { later } from "./later.ts";
import type { MemoryLog } from "./memory-log.ts";

interface Kept {
  cursor: SubscriptionCursor;
  /** Who moved it last. */
  by: string;
  readonly rows: Map<string, string>;
}

/** What the nodes of a network share: cursors by partition and name. */
export class MemorySubscriptions {
  readonly #kept = new Map<number, Map<string, Kept>>();

  of(partition: number): Map<string, Kept> {
    const found = this.#kept.get(partition);
    if (found !== undefined) return found;
    const made = new Map<string, Kept>();
    this.#kept.set(partition, made);
    return made;
  }
}

type Unavailable = { readonly kind: "unavailable"; readonly reason: string };

export class MemoryCursors implements Cursors {
  readonly #clock: Clock;
  readonly #log: MemoryLog;
  readonly #subscriptions: MemorySubscriptions;
  #closed = false;

  /** @param subscriptions cursors with the same ones are another node's */
  constructor(clock: Clock, log: MemoryLog, subscriptions: MemorySubscriptions = new MemorySubscriptions()) {
    this.#clock = clock;
    this.#log = log;
    this.#subscriptions = subscriptions;
  }

  async load(name: string, partition: number, deadline: number): Promise<CursorAnswer> {
    return await this.#take(deadline, () => this.#answer(name, partition));
  }

  async move(move: CursorMove, deadline: number): Promise<MoveResult> {
    return await this.#take(deadline, () => this.#move(move));
  }

  async change(
    name: string,
    partition: number,
    change: CursorChange,
    deadline: number,
  ): Promise<CursorAnswer> {
    return await this.#take(deadline, () => {
      this.#change(name, partition, change);
      return this.#answer(name, partition);
    });
  }

  async row(name: string, partition: number, key: string, deadline: number): Promise<RowAnswer> {
    return await this.#take(deadline, () => {
      const row = this.#subscriptions.of(partition).get(name)?.rows.get(key) ?? null;
      return { kind: "row", row } as const;
    });
  }

  async rows(name: string, partition: number, _from: string | null, deadline: number): Promise<RowsAnswer> {
    return await this.#take(deadline, () => {
      const rows = [...(this.#subscriptions.of(partition).get(name)?.rows ?? [])];
      return { kind: "rows", rows, next: null } as const;
    });
  }

  async names(partition: number, deadline: number): Promise<NamesAnswer> {
    return await this.#take(deadline, () => {
      const names = [...this.#subscriptions.of(partition).keys()].toSorted();
      return { kind: "names", names } as const;
    });
  }

  async trim(partition: number, before: number, deadline: number): Promise<TrimAnswer> {
    return await this.#take(deadline, () => {
      const places = [...this.#subscriptions.of(partition).values()].map(({ cursor }) => cursor.place);
      const floor: LogPlace = { entry: `${before}-0`, callId: "", done: 0 };
      const [least = floor] = [floor, ...places].toSorted(comparePlaces);
      return { kind: "trimmed", entries: this.#log.partition(partition).trim(least.entry) } as const;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Done when it is called, in one go: only the answer comes later, as from a server. */
  #take<T>(deadline: number, step: () => T): Promise<T | Unavailable> {
    if (this.#closed) return later({ kind: "unavailable", reason: "this node has closed its cursors" });
    if (this.#clock.monotonicMs() >= deadline)
      return later({ kind: "unavailable", reason: "there was no time left to ask" });
    return later(step());
  }

  #answer(name: string, partition: number): CursorAnswer {
    return { kind: "cursor", cursor: this.#subscriptions.of(partition).get(name)?.cursor };
  }

  /** As cursor-move.lua. */
  #move({ name, partition, generation, from, to, by, truncated, removed, rows }: CursorMove): MoveResult {
    const kept = this.#subscriptions.of(partition).get(name);
    if (kept === undefined) return { kind: "refused", cursor: undefined };
    const { cursor } = kept;
    if (cursor.generation !== generation) return { kind: "refused", cursor };
    if (isSame(cursor.place, to) && kept.by === by) return { kind: "moved", status: cursor.status };
    if (!isSame(cursor.place, from)) return { kind: "refused", cursor };
    if (!this.#log.partition(partition).holds(to)) return { kind: "diverged" };
    for (const [key, row] of rows) {
      if (row === null) kept.rows.delete(key);
      else kept.rows.set(key, row);
    }
    kept.by = by;
    kept.cursor = {
      ...cursor,
      place: to,
      truncated: cursor.truncated + truncated,
      removed: cursor.removed + removed,
    };
    return { kind: "moved", status: cursor.status };
  }

  /** As cursor-change.lua. */
  #change(name: string, partition: number, change: CursorChange): void {
    const all = this.#subscriptions.of(partition);
    const kept = all.get(name);
    const place = (at: LogPlace | "now") => (at === "now" ? this.#log.partition(partition).end : at);
    const fresh = { status: "running", error: "", truncated: 0, removed: 0 } as const;
    if (change.kind === "begin") {
      if (kept === undefined)
        all.set(name, {
          cursor: { generation: 1, place: place(change.at), ...fresh },
          by: "",
          rows: new Map(),
        });
      return;
    }
    if (kept === undefined) return;
    const { cursor } = kept;
    switch (change.kind) {
      case "remove":
        all.delete(name);
        return;
      case "pause":
        kept.cursor = { ...cursor, status: "paused", error: "" };
        return;
      case "resume":
        kept.cursor = { ...cursor, status: "running", error: "" };
        return;
      case "park":
        if (cursor.generation !== change.generation || !isSame(cursor.place, change.at)) return;
        if (cursor.status === "running") kept.cursor = { ...cursor, status: "parked", error: change.error };
        return;
      case "rewind":
        kept.by = "";
        kept.cursor = { generation: cursor.generation + 1, place: place(change.at), ...fresh };
        if (change.clear) kept.rows.clear();
        return;
    }
  }
}

function isSame(a: LogPlace, b: LogPlace): boolean {
  return comparePlaces(a, b) === 0 && a.callId === b.callId;
}
