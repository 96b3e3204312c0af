// The events of one entity as data, a page at a time. It reads the log and no worker's memory, so any node can answer.

import type { Catalog } from "../core/catalog.ts";
import type { Event } from "../core/decision.ts";
import { PachydermError } from "../core/errors.ts";
import { partitionOf } from "../core/partition.ts";
import { DESTROYED_RECORD, isSystemRecord, type StoredRecord } from "../core/record.ts";
import type { Recorded } from "../core/recorded.ts";
import { parseReference } from "../core/reference.ts";
import { Recorder } from "../engine/recorder.ts";
import { unanswered } from "../engine/unanswered.ts";
import type { Clock } from "../ports/clock.ts";
import type { EntityKey, EventStore } from "../ports/event-store.ts";
import { checkNames, invalidOption, isWhole } from "./read-only.ts";

/** Which events to read. */
export interface EventsOptions {
  /** The first version, inclusive. Default 1. */
  readonly from?: number;
  /** At most so many, 1 to 1,000. Default 100. */
  readonly limit?: number;
}

/** Some of an entity's events, in order. */
export interface EventsPage<E = Event> {
  readonly events: readonly Recorded<E>[];
  /** Where the next page begins; null: there was nothing more. Ask this, and not the length, which may be less than `limit`. */
  readonly next: number | null;
}

export interface EventsParts {
  readonly network: string;
  readonly partitions: number;
  readonly timeoutMs: number;
  readonly catalog: Catalog;
  readonly store: EventStore;
  readonly clock: Clock;
  /** Whether some live node defines this type, though this one does not. */
  readonly isHosted: (type: string) => boolean;
}

/** Records of one call: with events of a mebibyte each, what a call brings must still fit in memory many times over. */
const CALL = 128;
/** Characters of events after which a page ends, whatever its limit. */
const FULL = 4 * 1_048_576;

export class Events {
  readonly #parts: EventsParts;
  readonly #recorder: Recorder;

  constructor(parts: EventsParts) {
    this.#parts = parts;
    this.#recorder = new Recorder(parts.catalog, parts.network);
  }

  /** @throws PachydermError UNKNOWN_TYPE */
  checkKnown(type: string): void {
    if (this.#recorder.definition(type) === undefined && !this.#parts.isHosted(type)) throw unknownType(type);
  }

  /**
   * @throws PachydermError INVALID_REFERENCE, INVALID_OPTIONS, UNKNOWN_TYPE, WRONG_TYPE, DESTROYED, UNREADABLE_EVENT,
   * LOG_DIVERGED, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async page(reference: unknown, options: EventsOptions | undefined): Promise<EventsPage> {
    const to = parseReference(reference);
    const { from, limit } = readEventsOptions(options);
    this.checkKnown(to.type);
    const key = { id: to.id, partition: partitionOf(to.id, this.#parts.partitions) };
    const deadline = this.#parts.clock.monotonicMs() + this.#parts.timeoutMs;
    const events: Recorded[] = [];
    let characters = 0;
    let last: StoredRecord | undefined;
    for (;;) {
      // The last record is read once more, and compared; one beyond the limit tells whether there is more.
      const count = Math.min(CALL, limit - events.length + 2);
      const { records, more } = await readRecords(this.#parts, key, last?.version ?? from, count, deadline);
      const fresh = last === undefined ? records : follow(last, records);
      for (const record of fresh) {
        if (events.length === limit || characters >= FULL) return { events, next: record.version };
        this.#recorder.checkType(to, record);
        if (record.event === DESTROYED_RECORD) throw destroyed(to.id, record.version);
        if (!isSystemRecord(record.event)) events.push(this.#recorder.recorded(to.id, record));
        characters += record.event.length;
        last = record;
      }
      if (!more || fresh.length === 0) return { events, next: null };
    }
  }
}

export function destroyed(id: string, version: number): PachydermError {
  return new PachydermError("DESTROYED", `the entity ${id} was destroyed at version ${version}`);
}

/** @throws PachydermError UNREADABLE_EVENT, DEADLINE_EXCEEDED, STORE_UNAVAILABLE */
export async function readRecords(
  { store, clock }: Pick<EventsParts, "store" | "clock">,
  key: EntityKey,
  from: number,
  count: number,
  deadline: number,
) {
  const answer = await store.read(key, from, count, deadline);
  if (answer.kind === "loaded") return answer;
  if (answer.kind === "unreadable") throw new PachydermError("UNREADABLE_EVENT", answer.reason);
  throw unanswered(answer.reason, deadline, clock);
}

/**
 * What comes after a record. A log that is rolled back between two calls must not become one page of two histories; what
 * was trimmed meanwhile cannot tell.
 */
function follow(last: StoredRecord, records: readonly StoredRecord[]): readonly StoredRecord[] {
  const [first] = records;
  const rolledBack =
    first === undefined || (first.version === last.version && first.commitId !== last.commitId);
  if (rolledBack) {
    const message = `the log no longer holds the commit of version ${last.version}, which it held a moment ago`;
    throw new PachydermError("LOG_DIVERGED", message);
  }
  return records.filter(({ version }) => version > last.version);
}

function readEventsOptions(options: unknown): { readonly from: number; readonly limit: number } {
  const { from = 1, limit = 100 } = checkNames<EventsOptions>(options, ["from", "limit"]);
  if (!isWhole(from, 1, Number.MAX_SAFE_INTEGER))
    throw invalidOption("from is a version: a whole number from 1 on");
  if (!isWhole(limit, 1, 1_000)) throw invalidOption("limit is a whole number from 1 to 1,000");
  return { from, limit };
}

function unknownType(type: string): PachydermError {
  return new PachydermError(
    "UNKNOWN_TYPE",
    `no entity of the type ${type} is defined here, nor hosted by a live node`,
  );
}
