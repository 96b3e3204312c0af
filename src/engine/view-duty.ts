// Builds the views of this node's code in the partitions that it owns, and takes away those that no code has any more.
// Two owners at once are harmless: each row is written through the compare of its entity's version, whoever writes it.
//
// The order that leaves no row out: (1) the schema is there, so every commit from now on writes its row or leaves it behind;
// (2) the rows of all entities that are there are written; (3) it is ready. An entity that comes after (1) has its row by
// its own commit.

import type { AnyEntity } from "../core/entity.ts";
import { reasonOf } from "../core/errors.ts";
import type { Reference } from "../core/reference.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { StandingSchema, ViewKey, Views } from "../ports/views.ts";
import type { Duty } from "./duties.ts";
import { type Hosting, isSame, planViews } from "./view-plan.ts";

export interface ViewDutyParts {
  readonly views: Views;
  readonly store: EventStore;
  readonly clock: Clock;
  readonly definitions: readonly AnyEntity[];
  /** The live nodes' code, this one's too. */
  readonly nodes: () => readonly Hosting[];
  /** Has an entity's rows written as they should be. Rejects where that could not be done until `deadline`. */
  readonly repair: (reference: Reference, deadline: number) => Promise<unknown>;
  /** Told what keeps a view from being built, in words. */
  readonly report: (line: string) => void;
}

/** So often the partitions are looked at, milliseconds. */
const EVERY_MS = 1_000;
/** A schema that no live node's code has for so long goes, milliseconds: who is only slow to be seen comes back by then. */
const UNWANTED_MS = 15_000;
const CALL_MS = 5_000;
/** Entities under way at once: few, for live messages go beside them. */
const AT_ONCE = 32;
const PAGE = 256;

export class ViewDuty implements Duty {
  readonly #parts: ViewDutyParts;
  readonly #partitions = new Set<number>();
  /** Since when a schema is unwanted, monotonic ms. */
  readonly #unwanted = new Map<string, number>();
  /** What was told already. */
  readonly #told = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor(parts: ViewDutyParts) {
    this.#parts = parts;
  }

  begin(partition: number): void {
    if (this.#closed) return;
    this.#partitions.add(partition);
    this.#timer ??= setInterval(() => this.#start(), EVERY_MS).unref();
    this.#again = true;
    queueMicrotask(() => this.#start()); // with those that begin in the same breath
  }

  /** What of it is under way ends by itself, and does no harm. */
  async end(partition: number): Promise<void> {
    this.#partitions.delete(partition);
  }

  /** Begins nothing more; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#partitions.clear();
    clearInterval(this.#timer);
    await this.#round;
  }

  #start(): void {
    if (this.#closed || this.#round !== null) return;
    this.#again = false;
    this.#round = this.#run().finally(() => {
      this.#round = null;
      if (this.#again) this.#start();
    });
  }

  /** All partitions are looked at first, so that what is empty is ready at once; then one after the other is built. */
  async #run(): Promise<void> {
    const toBuild = await Promise.all(
      [...this.#partitions].map(async (one) => [one, await this.#look(one)] as const),
    );
    for (const [partition, views] of toBuild) {
      if (views.length > 0 && this.#partitions.has(partition)) await this.#build(partition, views);
    }
  }

  /** What is to be built. */
  async #look(partition: number): Promise<readonly ViewKey[]> {
    const { views, definitions, nodes } = this.#parts;
    const found = await views.schemas(partition, this.#deadline());
    if (found.kind !== "schemas") return this.#tell(`the views of partition ${partition}: ${found.reason}`);
    const plan = planViews(found.schemas, definitions, nodes());
    let standing: readonly StandingSchema[] = found.schemas;
    for (const view of plan.begin) {
      const begun = await views.begin(partition, view, this.#deadline());
      if (begun.kind !== "schemas") return this.#tell(`the view ${view.table}: ${begun.reason}`);
      standing = begun.schemas;
    }
    for (const view of plan.drop) await views.drop(partition, view, this.#deadline());
    await this.#dropUnwanted(partition, plan.unwanted);
    return plan.build.filter((view) => standing.some((one) => isSame(one, view) && !one.ready));
  }

  async #dropUnwanted(partition: number, unwanted: readonly ViewKey[]): Promise<void> {
    const now = this.#parts.clock.monotonicMs();
    const names = new Set(unwanted.map((view) => nameOf(partition, view)));
    for (const name of this.#unwanted.keys()) {
      if (name.startsWith(`${partition} `) && !names.has(name)) this.#unwanted.delete(name);
    }
    for (const view of unwanted) {
      const name = nameOf(partition, view);
      const since = this.#unwanted.get(name) ?? now;
      this.#unwanted.set(name, since);
      if (now - since >= UNWANTED_MS) await this.#parts.views.drop(partition, view, this.#deadline());
    }
  }

  async #build(partition: number, views: readonly ViewKey[]): Promise<void> {
    const { definitions } = this.#parts;
    const isWanted = ({ viewTables }: AnyEntity) =>
      viewTables.some((view) => views.some((one) => isSame(one, view)));
    const types = new Map(
      definitions
        .filter(isWanted)
        .flatMap(({ type, formerly }) => [type, ...formerly].map((name) => [name, type])),
    );
    try {
      if (!(await this.#walk(partition, types))) return;
    } catch (thrown) {
      this.#tell(`a view is not built yet: ${reasonOf(thrown)}`);
      return;
    }
    const { build } = planViews([], definitions, this.#parts.nodes()); // a node may have come that passes rows by
    for (const view of views) {
      if (build.some((one) => isSame(one, view)))
        await this.#parts.views.ready(partition, view, this.#deadline());
    }
  }

  /** @returns false if the partition is not this node's any more */
  async #walk(partition: number, types: ReadonlyMap<string, string>): Promise<boolean> {
    const { store, repair } = this.#parts;
    for (let after = "", isLast = false; !isLast; ) {
      const page = await store.list(partition, after, PAGE, this.#deadline());
      if (page.kind !== "listed") throw new Error(page.reason);
      const wanted = page.entities.flatMap(({ id, type }) => {
        const name = types.get(type);
        return name === undefined ? [] : [{ id, type: name }];
      });
      for (let i = 0; i < wanted.length; i += AT_ONCE) {
        if (!this.#partitions.has(partition)) return false;
        await Promise.all(wanted.slice(i, i + AT_ONCE).map((entity) => repair(entity, this.#deadline())));
      }
      isLast = page.entities.length < PAGE;
      after = page.entities.at(-1)?.id ?? "";
    }
    return true;
  }

  /** Once: it is tried again and again. */
  #tell(line: string): readonly never[] {
    if (!this.#told.has(line) && !this.#closed) this.#parts.report(line);
    if (this.#told.size < 1_000) this.#told.add(line);
    return [];
  }

  #deadline(): number {
    return this.#parts.clock.monotonicMs() + CALL_MS;
  }
}

function nameOf(partition: number, { table, schema }: ViewKey): string {
  return `${partition} ${table}=${schema}`;
}
