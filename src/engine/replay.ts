// From stored records to a head: the fold, after a load or a conflict. Pure; whatever cannot be read is a value.

import type { Catalog } from "../core/catalog.ts";
import type { Event } from "../core/decision.ts";
import type { AnyEntity } from "../core/entity.ts";
import { type ErrorCode, PachydermError, reasonOf } from "../core/errors.ts";
import { freezeState, parseJson, problemText, typeOf } from "../core/json.ts";
import { isSystemRecord, type StoredRecord } from "../core/record.ts";
import { check, describeIssues } from "../core/schema.ts";
import type { LoadedSnapshot } from "../ports/event-store.ts";
import { emptyHead, type Head } from "./head.ts";

export class Replay {
  readonly #catalog: Catalog;
  #head: Head;
  #state: unknown = null;
  /** Frozen, and known to be sound. */
  readonly #before: unknown;

  /** @param from where the fold begins: a committed head, or {@link emptyHead} */
  constructor(catalog: Catalog, from: Head = emptyHead) {
    this.#catalog = catalog;
    this.#head = from;
    this.#state = from.state;
    this.#before = from.state;
  }

  /** The last version that was folded. */
  get version(): number {
    return this.#head.version;
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
    return { ...this.#head, state: this.#state };
  }

  /**
   * Starts from a snapshot instead. False if its state cannot be read: the caller loads without it.
   * @param first the record after which it was made, or the next one: it tells the type
   * @param schema the form that was asked for, on the word of a message whose type may be another
   */
  startFrom(
    { version, commitId, state }: LoadedSnapshot,
    first: StoredRecord,
    schema: number | null,
  ): boolean {
    const definition = this.#definitionOf(first);
    if (definition.snapshot.version !== schema) return false;
    try {
      this.#state = parseJson(state);
    } catch {
      return false; // a snapshot is a copy of what the records say: without it the fold is longer, no less right
    }
    this.#head = {
      ...emptyHead,
      version,
      commitId,
      definition,
      snapshotVersion: version,
    };
    return true;
  }

  /**
   * Folds records that follow on the head; the record of the head's own version is compared, not folded.
   * @returns false if it is of another commit: the log is not the one that the head came from
   * @throws PachydermError UNREADABLE_EVENT, WRONG_TYPE, HANDLER_FAILED
   */
  fold(records: readonly StoredRecord[]): boolean {
    for (const record of records) {
      if (record.version <= this.#head.version) {
        if (record.version === this.#head.version && record.commitId !== this.#head.commitId) return false;
        continue;
      }
      this.#step(record);
    }
    return true;
  }

  #step(record: StoredRecord): void {
    const { version, commitId } = record;
    if (version !== this.#head.version + 1) {
      const missing = this.#head.version + 1;
      throw unreadable(version, `record ${missing} is gone, and no snapshot that can be read covers it`);
    }
    const definition = this.#definitionOf(record);
    if (this.#head.version === 0) this.#state = call("HANDLER_FAILED", "init", () => definition.init());
    if (!isSystemRecord(record.event)) this.#state = this.#update(definition, record);
    this.#head = { ...this.#head, version, commitId, definition };
  }

  #update(definition: AnyEntity, { version, event: text }: StoredRecord): unknown {
    const event = readEvent(definition, version, text);
    const at = `update, on the event of version ${version},`;
    return call("HANDLER_FAILED", at, () => definition.update(event, this.#state));
  }

  #definitionOf({ type, version }: StoredRecord): AnyEntity {
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

function readEvent(definition: AnyEntity, version: number, text: string): unknown {
  let stored: unknown;
  try {
    const value = parseJson(text);
    if (typeOf(value) === undefined) throw new Error("it has no type");
    stored = value;
  } catch (thrown) {
    throw unreadable(version, reasonOf(thrown), thrown);
  }
  const event = call("UNREADABLE_EVENT", `upcast, on the event of version ${version},`, () =>
    definition.upcast(stored as Event),
  );
  if (definition.event === undefined) return event;
  const checked = check(definition.event, event);
  if (checked.kind === "fits") return checked.value;
  throw unreadable(version, `the schema refuses it: ${describeIssues(checked.issues)}`);
}

function call<T>(code: ErrorCode, what: string, run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    throw new PachydermError(code, `${what} threw: ${reasonOf(thrown)}`, { cause: thrown });
  }
}

function unreadable(version: number, reason: string, cause?: unknown): PachydermError {
  const message = `the stored record of version ${version} cannot be read: ${reason}`;
  return new PachydermError("UNREADABLE_EVENT", message, { detail: { version, reason }, cause });
}
