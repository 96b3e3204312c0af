// Views in this process's memory. Twin of redis/views.ts.

import type { Clock } from "../ports/clock.ts";
import type { EntityKey } from "../ports/event-store.ts";
import {
  type CountedRows,
  type CountRows,
  FEW_BEHIND,
  type FindRows,
  type FoundRows,
  type GotRow,
  type Schemas,
  type ViewKey,
  type Views,
} from "../ports/views.ts";
import { later } from "./later.ts";
import type { MemoryLog } from "./memory-log.ts";
import type { ViewRows } from "./view-tables.ts";

export class MemoryViews implements Views {
  readonly #clock: Clock;
  readonly #log: MemoryLog;
  #closed = false;

  /** @param log that of the event stores whose commits write the rows */
  constructor(clock: Clock, log: MemoryLog) {
    this.#clock = clock;
    this.#log = log;
  }

  async get(view: ViewKey, { id, partition }: EntityKey, deadline: number): Promise<GotRow> {
    const kept = this.#log.views.find(partition, view);
    const read = (): GotRow => {
      if (kept === undefined || !kept.ready) return { kind: "unbuilt" };
      if (kept.behind.has(id)) return { kind: "behind", ids: [id] };
      return { kind: "row", row: kept.rows.get(id)?.row ?? null };
    };
    return await later(this.#unavailable(deadline) ?? read());
  }

  async find(view: ViewKey, requests: readonly FindRows[], deadline: number): Promise<readonly FoundRows[]> {
    return await this.#each(view, requests, deadline, (kept, { span, descending, limit }) => {
      const members = kept.membersIn(span);
      const found = (descending ? members.toReversed() : members).slice(0, limit);
      const rows = found
        .filter((member) => !kept.behind.has(idOf(member)))
        .map((member) => ({ member, row: kept.rows.get(idOf(member))?.row ?? "" }));
      const more = found.length === limit;
      return { kind: "rows", rows, more, end: found.at(-1) ?? "", behind: [...kept.behind] } as const;
    });
  }

  async count(
    view: ViewKey,
    requests: readonly CountRows[],
    deadline: number,
  ): Promise<readonly CountedRows[]> {
    return await this.#each(view, requests, deadline, (kept, { span }) => {
      const all = span === null ? [...kept.rows.keys()] : kept.membersIn(span).map(idOf);
      const count = kept.behind.size === 0 ? all.length : all.filter((id) => !kept.behind.has(id)).length;
      return { kind: "count", count, behind: [...kept.behind] } as const;
    });
  }

  async schemas(partition: number, deadline: number): Promise<Schemas> {
    return await this.#change(partition, deadline, () => {});
  }

  async begin(partition: number, view: ViewKey, deadline: number): Promise<Schemas> {
    const isEmpty = this.#log.ids.page(partition, "", 1).length === 0;
    return await this.#change(partition, deadline, () => this.#log.views.begin(partition, view, isEmpty));
  }

  async ready(partition: number, view: ViewKey, deadline: number): Promise<Schemas> {
    return await this.#change(partition, deadline, () => {
      const kept = this.#log.views.find(partition, view);
      if (kept !== undefined) kept.ready = true;
    });
  }

  async drop(partition: number, view: ViewKey, deadline: number): Promise<Schemas> {
    return await this.#change(partition, deadline, () => this.#log.views.drop(partition, view));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #change(partition: number, deadline: number, change: () => void): Promise<Schemas> {
    const unavailable = this.#unavailable(deadline);
    if (unavailable !== null) return await later(unavailable);
    change();
    return await later({ kind: "schemas", schemas: this.#log.views.list(partition) } as const);
  }

  async #each<R extends FindRows | CountRows, T>(
    view: ViewKey,
    requests: readonly R[],
    deadline: number,
    read: (kept: ViewRows, request: R) => T,
  ) {
    const unavailable = this.#unavailable(deadline);
    return await later(
      requests.map((request) => {
        const kept = this.#log.views.find(request.partition, view);
        if (unavailable !== null) return unavailable;
        if (kept === undefined || !kept.ready) return { kind: "unbuilt" } as const;
        if (kept.behind.size > (request.mostBehind ?? FEW_BEHIND))
          return { kind: "behind", ids: [...kept.behind].slice(0, SOME) } as const;
        return read(kept, request);
      }),
    );
  }

  #unavailable(deadline: number): { readonly kind: "unavailable"; readonly reason: string } | null {
    if (this.#closed) return { kind: "unavailable", reason: "the views are closed" };
    if (this.#clock.monotonicMs() < deadline) return null;
    return { kind: "unavailable", reason: "there was no time left" };
  }
}

/** Of too many rows behind so many are told, as on Redis. */
const SOME = 64;

const idOf = (member: string): string => member.slice(-36);
