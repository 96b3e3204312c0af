// From stored records to a head: the fold, after a load or a conflict. Pure; whatever cannot be read is a value.

import type { Catalog } from "../core/catalog.ts";
import type { Event } from "../core/decision.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError, reasonOf } from "../core/errors.ts";
import { freezeState, parseJson, problemText, typeOf } from "../core/json.ts";
import { DESTROYED_RECORD, isSystemRecord, type StoredRecord } from "../core/record.ts";
import { check, describeIssues } from "../core/schema.ts";
import type { LoadedSnapshot } from "../ports/event-store.ts";
import { emptyHead, type Head } from "./head.ts";

export class Replay {
  readonly #catalog: Catalog;
  #version: number;
  #commitId: string;
  #definition: AnyEntity | null;
  #snapshotVersion: number;
  #state: unknown = null;
  #destroyed: boolean;
  /** Frozen, and known to be sound. */
  readonly #before: unknown;

  /** @param from where the fold begins: a committed head, or {@link emptyHead} */
  constructor(catalog: Catalog, from: Head = emptyHead) {
    this.#catalog = catalog;
    this.#version = from.version;
    this.#commitId = from.commitId;
    this.#definition = from.definition;
    this.#snapshotVersion = from.snapshotVersion;
    this.#state = from.state;
    this.#destroyed = from.destroyed;
    this.#before = from.state;
  }

  /** The last version that was folded. */
  get version(): number {
    return this.#version;
  }

  /** The head reached; its state is frozen. @throws PachydermError HANDLER_FAILED */
  finish(): Head {
    try {
      freezeState(this.#state, this.#before);
    } catch (thrown) {
      throw new PachydermError("HANDLER_FAILED", `the state is not plain JSON: ${problemText(thrown)}`, {
        cause: thrown,
      });
    }
    return {
      version: this.#version,
      commitId: this.#commitId,
      definition: this.#definition,
      state: this.#state,
      snapshotVersion: this.#snapshotVersion,
      proof: 0,
      destroyed: this.#destroyed,
      rows: null,
    };
  }

  /**
   * Starts from a snapshot instead. False if its state cannot be read: the caller loads without it.
   * @param first the record after which it was made, or the next one: it tells the type, by which its form is judged; what was
   * asked for, was on the word of a message whose type may be another
   * @throws PachydermError UNREADABLE_EVENT it is of an older form, and could not be brought to today's
   */
  startFrom(snapshot: LoadedSnapshot, first: StoredRecord): boolean {
    const { version, commitId, schema } = snapshot;
    const definition = this.#definitionOf(first);
    const { version: today, upcast } = definition.snapshot;
    if (schema !== today && (schema > today || upcast === undefined)) return false;
    let state: unknown;
    try {
      state = parseJson(snapshot.state);
    } catch {
      return false; // a snapshot is a copy of what the records say: without it the fold is longer, no less right
    }
    this.#state = schema === today ? state : upcastState(definition, snapshot, state);
    this.#version = version;
    this.#commitId = commitId;
    this.#definition = definition;
    this.#snapshotVersion = version;
    return true;
  }

  /**
   * Folds records that follow on the head; the record of the head's own version is compared, not folded.
   * @returns false if it is of another commit: the log is not the one that the head came from
   * @throws PachydermError UNREADABLE_EVENT, WRONG_TYPE, HANDLER_FAILED
   */
  fold(records: readonly StoredRecord[]): boolean {
    for (const record of records) {
      if (record.version <= this.#version) {
        if (record.version === this.#version && record.commitId !== this.#commitId) return false;
        continue;
      }
      this.#step(record);
    }
    return true;
  }

  #step(record: StoredRecord): void {
    const { version } = record;
    if (record.event === DESTROYED_RECORD) {
      this.#end(record);
      return;
    }
    if (version !== this.#version + 1) {
      const missing = this.#version + 1;
      throw unreadable(
        version,
        `record ${missing} is gone, and no snapshot that can be read covers it (see snapshot.upcast)`,
      );
    }
    const definition = this.#definitionOf(record);
    if (version === 1) this.#state = init(definition);
    if (!isSystemRecord(record.event)) this.#update(definition, record);
    this.#version = version;
    this.#commitId = record.commitId;
    this.#definition = definition;
  }

  /** Whatever was before it is gone. */
  #end(record: StoredRecord): void {
    this.#definition = this.#definitionOf(record);
    this.#state = null;
    this.#destroyed = true;
    this.#version = record.version;
    this.#commitId = record.commitId;
  }

  #update(definition: AnyEntity, { version, event: text }: StoredRecord): void {
    const event = readEvent(definition, version, text);
    try {
      this.#state = definition.update(event, this.#state);
    } catch (thrown) {
      const message = `update threw on the event of version ${version}: ${reasonOf(thrown)}`;
      throw new PachydermError("HANDLER_FAILED", message, { cause: thrown });
    }
  }

  #definitionOf({ type, version }: StoredRecord): AnyEntity {
    // Nearly always it is the type of the record before.
    const last = this.#definition;
    if (last !== null && last.type === type) return last;
    const definition = this.#catalog.entity(type);
    if (definition !== undefined) return definition;
    const message = `record ${version} is of the entity type ${type}, which is not defined here (nor named by formerly)`;
    throw new PachydermError("WRONG_TYPE", message, { detail: { type } });
  }
}

/** As many records as a conflict brings along; with so many there may be more. */
const MISSED_PAGE = 128;

/**
 * A head with the records that were missed folded in. Null where the log must be loaded afresh: too much was missed, or
 * it cannot be folded (the load finds the same, and tells those who wait).
 */
export function catchUp(catalog: Catalog, head: Head | null, missed: readonly StoredRecord[]): Head | null {
  if (head === null || missed.length === 0 || missed.length >= MISSED_PAGE) return null;
  const replay = new Replay(catalog, head);
  try {
    return replay.fold(missed) ? replay.finish() : null;
  } catch {
    return null;
  }
}

/**
 * A stored event as `update` is given it today. @throws PachydermError UNREADABLE_EVENT
 */
export function readEvent(definition: AnyEntity, version: number, text: string): unknown {
  let stored: unknown;
  try {
    const value = parseJson(text);
    if (typeOf(value) === undefined) throw new Error("it has no type");
    stored = value;
  } catch (thrown) {
    throw unreadable(version, reasonOf(thrown), thrown);
  }
  let event: unknown;
  try {
    event = definition.upcast(stored as Event);
  } catch (thrown) {
    throw unreadable(version, `upcast threw: ${reasonOf(thrown)}`, thrown);
  }
  if (definition.event === undefined) return event;
  const checked = check(definition.event, event);
  if (checked.kind === "fits") return checked.value;
  throw unreadable(version, `the schema refuses it: ${describeIssues(checked.issues)}`);
}

/**
 * Where it fails the records are not folded instead, though all may be there: of two entities of a type, one would be what
 * `upcast` makes and the other what `update` makes, as retention has it.
 */
function upcastState({ snapshot }: AnyEntity, { version, schema }: LoadedSnapshot, stored: unknown): unknown {
  try {
    const state = snapshot.upcast?.(stored, schema);
    freezeState(state);
    return state;
  } catch (thrown) {
    const reason = `snapshot.upcast, of a state of the form ${schema}: ${reasonOf(thrown)}`;
    const message = `the snapshot of version ${version} cannot be read: ${reason}`;
    throw new PachydermError("UNREADABLE_EVENT", message, { detail: { version, reason }, cause: thrown });
  }
}

function init(definition: AnyEntity): unknown {
  try {
    return definition.init();
  } catch (thrown) {
    throw new PachydermError("HANDLER_FAILED", `init threw: ${reasonOf(thrown)}`, { cause: thrown });
  }
}

function unreadable(version: number, reason: string, cause?: unknown): PachydermError {
  const message = `the stored record of version ${version} cannot be read: ${reason}`;
  return new PachydermError("UNREADABLE_EVENT", message, { detail: { version, reason }, cause });
}
