// What an entity was: its state as of a version, and the events that led there. It reads the log and no worker's memory,
// so any node that defines the type can answer.

import type { Catalog } from "../core/catalog.ts";
import { type Cursor, cursorOf, cursorPrefix, parseCursor } from "../core/cursor.ts";
import type { Event } from "../core/decision.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError } from "../core/errors.ts";
import { partitionOf } from "../core/partition.ts";
import type { StoredRecord } from "../core/record.ts";
import type { Recorded } from "../core/recorded.ts";
import { parseReference, type Reference } from "../core/reference.ts";
import { readableForms } from "../core/snapshot-policy.ts";
import { Replay } from "../engine/replay.ts";
import type { Clock } from "../ports/clock.ts";
import type { EntityKey, EventStore } from "../ports/event-store.ts";
import { destroyed, type Events, readRecords } from "./events.ts";
import { checkNames, invalidOption, isWhole } from "./read-only.ts";

/** Which moment of an entity. */
export interface HistoryOptions {
  /** The version to look at, or the place of a cursor. Default: the newest. */
  readonly at?: number | Cursor;
  /** At most so many events, the last ones before `at`, 0 to 1,000. Default 100. */
  readonly limit?: number;
}

/** An entity as it was. */
export interface History<S = unknown, E = Event> {
  readonly state: S;
  readonly version: number;
  readonly cursor: Cursor;
  /** The last events up to `version`, in order. Empty where none is kept. */
  readonly events: readonly Recorded<E>[];
}

export interface HistoryParts {
  readonly network: string;
  readonly partitions: number;
  readonly timeoutMs: number;
  readonly catalog: Catalog;
  readonly store: EventStore;
  readonly clock: Clock;
  readonly events: Events;
}

/** Records of one call while the state is folded. */
const PAGE = 1_000;

interface Moment {
  readonly key: EntityKey;
  readonly definition: AnyEntity;
  /** Null: the newest. */
  readonly at: number | null;
  readonly deadline: number;
}

export class Histories {
  readonly #parts: HistoryParts;
  readonly #prefix: string;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    this.#prefix = cursorPrefix(parts.network);
  }

  /**
   * @throws PachydermError INVALID_REFERENCE, INVALID_OPTIONS (there is no such version), INVALID_CURSOR, UNKNOWN_TYPE,
   * WRONG_TYPE, DESTROYED, UNREADABLE_EVENT (what led there is not kept any more, or cannot be read), HANDLER_FAILED,
   * LOG_DIVERGED, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async at(reference: unknown, options: HistoryOptions | undefined): Promise<History> {
    const to = parseReference(reference);
    const { at, limit } = readHistoryOptions(options, to, this.#parts.network);
    const definition = this.#parts.catalog.entity(to.type);
    if (definition === undefined) throw unknownType(to.type);
    const key = { id: to.id, partition: partitionOf(to.id, this.#parts.partitions) };
    const deadline = this.#parts.clock.monotonicMs() + this.#parts.timeoutMs;
    const version = typeof at === "object" && at !== null ? at.version : at;
    const head = await this.#fold({ key, definition, at: version, deadline });
    if (head.destroyed) throw destroyed(to.id, head.version);
    if (typeof at === "object" && at !== null && at.commitId !== head.commitId) throw diverged(at.version);
    return {
      state: head.version === 0 ? definition.init() : head.state,
      version: head.version,
      cursor: cursorOf(this.#prefix, to.id, head.version, head.commitId),
      events: limit === 0 ? [] : await this.#last(to, head.version, limit),
    };
  }

  /** From the newest snapshot where it is not beyond the moment; else from the first record. */
  async #fold({ key, definition, at, deadline }: Moment) {
    const replay = new Replay(this.#parts.catalog);
    let page = await this.#begin(replay, { key, definition, at, deadline });
    for (;;) {
      const upTo = page.records.filter(({ version }) => at === null || version <= at);
      if (upTo[0] !== undefined) checkType(definition, upTo[0], this.#parts.catalog);
      if (!replay.fold(upTo)) throw diverged(replay.version);
      const isThere = at !== null && replay.version >= at;
      if (isThere || !page.more || page.records.length < 2) break;
      page = await this.#read(key, replay.version, deadline);
    }
    const beyond = page.records.at(-1)?.version ?? 0;
    if (at !== null && replay.version !== at && beyond > at) throw trimmed(at, page.records[0]?.version);
    if (at !== null && replay.version !== at) {
      throw invalidOption(`at is ${at}, and the entity ${key.id} is at version ${replay.version}`);
    }
    return replay.finish();
  }

  async #begin(replay: Replay, { key, definition, at, deadline }: Moment) {
    const [loaded] = await this.#parts.store.load([{ key, ...readableForms(definition.snapshot) }], deadline);
    if (loaded?.kind !== "loaded") return await this.#read(key, 1, deadline);
    const { snapshot, records } = loaded;
    const [first] = records;
    if (snapshot === null || first === undefined) return loaded;
    const isUsed = (at === null || snapshot.version <= at) && replay.startFrom(snapshot, first);
    return isUsed ? loaded : await this.#read(key, 1, deadline);
  }

  async #read(key: EntityKey, from: number, deadline: number) {
    return await readRecords(this.#parts, key, from, PAGE, deadline);
  }

  async #last(to: Reference, version: number, limit: number): Promise<readonly Recorded[]> {
    if (version === 0) return [];
    const events: Recorded[] = [];
    for (let from: number | null = Math.max(1, version - limit + 1); from !== null && from <= version; ) {
      const page = await this.#parts.events.page(to, { from, limit });
      events.push(...page.events.filter((event) => event.version <= version));
      from = page.next;
    }
    return events;
  }
}

function checkType(definition: AnyEntity, record: StoredRecord, catalog: Catalog): void {
  if (catalog.entity(record.type) === definition) return;
  const message = `record ${record.version} is of the entity type ${record.type}, and not of ${definition.type}`;
  throw new PachydermError("WRONG_TYPE", message, { detail: { type: record.type } });
}

function readHistoryOptions(options: unknown, to: Reference, network: string) {
  const { at, limit = 100 } = checkNames<HistoryOptions>(options, ["at", "limit"]);
  if (!isWhole(limit, 0, 1_000)) throw invalidOption("limit is a whole number from 0 to 1,000");
  if (at === undefined) return { at: null, limit };
  if (typeof at === "number") {
    if (!isWhole(at, 0, Number.MAX_SAFE_INTEGER)) throw invalidOption("at is a version, or a cursor");
    return { at, limit };
  }
  const place = parseCursor(network, at);
  if (place.id === to.id) return { at: place, limit };
  throw new PachydermError("INVALID_CURSOR", `the cursor is of the entity ${place.id}, not of ${to.id}`);
}

function trimmed(at: number, first: number | undefined): PachydermError {
  const message = `version ${at} is not kept any more: the records begin at ${first}, and no snapshot is as old`;
  return new PachydermError("UNREADABLE_EVENT", message);
}

function diverged(version: number): PachydermError {
  return new PachydermError(
    "LOG_DIVERGED",
    `the log does not hold the commit of version ${version} any more`,
  );
}

function unknownType(type: string): PachydermError {
  return new PachydermError("UNKNOWN_TYPE", `no entity of the type ${type} is defined here`);
}
