// From records to what programs are shown. A node may show events of types that only others define: then without `upcast`,
// and by their own names only.

import type { Catalog } from "../core/catalog.ts";
import { cursorOf, cursorPrefix } from "../core/cursor.ts";
import type { Event } from "../core/decision.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError, reasonOf } from "../core/errors.ts";
import { parseJson, typeOf } from "../core/json.ts";
import type { StoredRecord } from "../core/record.ts";
import type { Recorded } from "../core/recorded.ts";
import type { Reference } from "../core/reference.ts";
import type { Delivered, Ended } from "../core/subscription.ts";
import { readEvent } from "./replay.ts";

export class Recorder {
  readonly #catalog: Catalog;
  readonly #prefix: string;

  constructor(catalog: Catalog, network: string) {
    this.#catalog = catalog;
    this.#prefix = cursorPrefix(network);
  }

  /** Undefined: only other nodes define the type, if any. */
  definition(type: string): AnyEntity | undefined {
    return this.#catalog.entity(type);
  }

  /**
   * Where the type is defined, its earlier names are known; else only the name itself can be compared.
   * @throws PachydermError WRONG_TYPE
   */
  checkType({ type }: Reference, record: StoredRecord): void {
    const definition = this.#catalog.entity(type);
    const same =
      definition === undefined ? record.type === type : this.#catalog.entity(record.type) === definition;
    if (same) return;
    const message = `record ${record.version} is of the entity type ${record.type}, and not of ${type}`;
    throw new PachydermError("WRONG_TYPE", message, { detail: { type: record.type } });
  }

  /** @throws PachydermError UNREADABLE_EVENT */
  recorded(id: string, record: StoredRecord): Recorded {
    const { version, messageId, at, commitId } = record;
    const event = readAs(this.#catalog.entity(record.type), record);
    return { version, event, messageId, at, cursor: cursorOf(this.#prefix, id, version, commitId) };
  }

  /** The end of an entity, which is no event. */
  ended(id: string, { version, messageId, at, commitId, type }: StoredRecord): Ended {
    const reference = { type: this.#catalog.entity(type)?.type ?? type, id };
    return { reference, version, messageId, at, cursor: cursorOf(this.#prefix, id, version, commitId) };
  }

  /** As `recorded`, with its entity, whose type is today's. @throws PachydermError UNREADABLE_EVENT */
  delivered(id: string, record: StoredRecord): Delivered {
    const { version, messageId, at, commitId, type } = record;
    const definition = this.#catalog.entity(type);
    const event = readAs(definition, record);
    const reference = { type: definition === undefined ? type : definition.type, id };
    return {
      reference,
      version,
      event,
      messageId,
      at,
      cursor: cursorOf(this.#prefix, id, version, commitId),
    };
  }
}

function readAs(definition: AnyEntity | undefined, record: StoredRecord): Event {
  const read =
    definition === undefined ? asStored(record) : readEvent(definition, record.version, record.event);
  return read as Event;
}

/** Of a type that other nodes define: nothing here can bring it to today's form. */
function asStored({ version, event }: StoredRecord): unknown {
  try {
    const value = parseJson(event);
    if (typeOf(value) !== undefined) return value;
    throw new Error("it has no type");
  } catch (cause) {
    const message = `the stored record of version ${version} cannot be read: ${reasonOf(cause)}`;
    throw new PachydermError("UNREADABLE_EVENT", message, { detail: { version }, cause });
  }
}
