// Rows as they should be, made by the reader where those that are stored are behind, or are not built yet: of the
// entities' states, from the log, by this node's code. No worker's memory is read, no other node is asked (its code may
// be another version's, with another state), and nothing is written: so there is nobody to lose against.

import type { Catalog } from "../core/catalog.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError } from "../core/errors.ts";
import { partitionOf } from "../core/partition.ts";
import type { Reference } from "../core/reference.ts";
import { readableForms } from "../core/snapshot-policy.ts";
import { noRow, type Row, type ViewTable } from "../core/view.ts";
import type { Answer } from "../engine/envelope.ts";
import type { Head } from "../engine/head.ts";
import { Replay } from "../engine/replay.ts";
import { unanswered } from "../engine/unanswered.ts";
import type { Clock } from "../ports/clock.ts";
import type { EntityKey, EventStore, Loaded } from "../ports/event-store.ts";
import { readRecords } from "./events.ts";

export interface RowMakerParts {
  readonly catalog: Catalog;
  readonly store: EventStore;
  readonly clock: Clock;
  readonly partitions: number;
  /** The entity as it is now, from wherever it lives: where this node does not define its type. */
  readonly get: (reference: Reference) => Promise<Answer>;
}

/** Entities in one call, and calls at once: what a call brings must fit in memory, and hold up nobody for long. */
const CALL = 64;
const AT_ONCE = 4;
/** Records of one call beyond the first page of a load. */
const PAGE = 1_000;

export class RowMaker {
  readonly #parts: RowMakerParts;

  constructor(parts: RowMakerParts) {
    this.#parts = parts;
  }

  /**
   * Each entity's row as of a moment after this was called.
   *
   * @param deadline monotonic ms
   * @returns in the order of the ids; an entity that has no records, is destroyed or is of another type has no row
   * @throws PachydermError UNREADABLE_EVENT, WRONG_TYPE, HANDLER_FAILED, DEADLINE_EXCEEDED, STORE_UNAVAILABLE; where the
   * type is not defined here, what `Pachyderm.get` throws
   */
  async rows(
    type: string,
    table: ViewTable,
    ids: readonly string[],
    deadline: number,
  ): Promise<readonly Row[]> {
    const definition = this.#parts.catalog.entity(type);
    if (definition === undefined) return await this.#askAll(type, table, ids);
    const rows = new Map<string, Row>();
    const calls = this.#calls(ids);
    const work = async (): Promise<void> => {
      for (let call = calls.pop(); call !== undefined; call = calls.pop()) {
        for (const [id, head] of await this.#load(definition, call, deadline))
          rows.set(id, rowOf(definition, table, id, head));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return ids.map((id) => rows.get(id) ?? noRow(table.fields));
  }

  /** Only loads of one lane share a call. */
  #calls(ids: readonly string[]): (readonly EntityKey[])[] {
    const { partitions, store } = this.#parts;
    const lanes = new Map<number, EntityKey[]>();
    for (const id of ids) {
      const key = { id, partition: partitionOf(id, partitions) };
      const lane = store.lane(key.partition);
      const keys = lanes.get(lane);
      if (keys === undefined) lanes.set(lane, [key]);
      else keys.push(key);
    }
    return [...lanes.values()].flatMap((keys) =>
      Array.from({ length: Math.ceil(keys.length / CALL) }, (_, i) => keys.slice(i * CALL, (i + 1) * CALL)),
    );
  }

  async #load(
    definition: AnyEntity,
    keys: readonly EntityKey[],
    deadline: number,
  ): Promise<readonly (readonly [id: string, head: Head])[]> {
    const forms = readableForms(definition.snapshot);
    const answers = await this.#parts.store.load(
      keys.map((key) => ({ key, ...forms })),
      deadline,
    );
    const heads: (readonly [string, Head])[] = [];
    for (const [i, key] of keys.entries()) {
      const answer = answers[i] ?? { kind: "unavailable", reason: "the store gave no answer for this load" };
      heads.push([key.id, await this.#fold(key, answer, deadline)]);
    }
    return heads;
  }

  async #fold(key: EntityKey, answer: Loaded, deadline: number): Promise<Head> {
    for (let loaded = answer; ; ) {
      const head = await this.#foldOnce(key, loaded, deadline);
      if (head !== undefined) return head;
      // The log was rolled back between two pages, or the snapshot cannot be read: from the first record on.
      loaded = await readRecords(this.#parts, key, 1, PAGE, deadline);
    }
  }

  /** Each page begins at the last record before it, whose commit is compared. Undefined: they do not belong together. */
  async #foldOnce(key: EntityKey, answer: Loaded, deadline: number): Promise<Head | undefined> {
    if (answer.kind === "unreadable") throw new PachydermError("UNREADABLE_EVENT", answer.reason);
    if (answer.kind === "unavailable") throw unanswered(answer.reason, deadline, this.#parts.clock);
    const replay = new Replay(this.#parts.catalog);
    const [first] = answer.records;
    const { snapshot } = answer;
    if (snapshot !== null && first !== undefined && !replay.startFrom(snapshot, first)) return undefined;
    for (let page = answer; ; ) {
      const before = replay.version;
      if (!replay.fold(page.records)) return undefined;
      if (!page.more || replay.version === before) return replay.finish();
      page = await readRecords(this.#parts, key, replay.version, PAGE, deadline);
    }
  }

  async #askAll(type: string, table: ViewTable, ids: readonly string[]): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for (let i = 0; i < ids.length; i += CALL * AT_ONCE) {
      const some = ids.slice(i, i + CALL * AT_ONCE).map((id) => this.#ask({ type, id }, table));
      rows.push(...(await Promise.all(some)));
    }
    return rows;
  }

  async #ask(reference: Reference, table: ViewTable): Promise<Row> {
    try {
      const { version, value } = await this.#parts.get(reference);
      return version === 0 ? noRow(table.fields) : table.rowOf(value, reference);
    } catch (thrown) {
      if (thrown instanceof PachydermError && thrown.code === "DESTROYED") return noRow(table.fields);
      throw thrown;
    }
  }
}

function rowOf(definition: AnyEntity, table: ViewTable, id: string, head: Head): Row {
  const isThere = head.version > 0 && !head.destroyed && head.definition === definition;
  return isThere ? table.rowOf(head.state, { type: definition.type, id }) : noRow(table.fields);
}
