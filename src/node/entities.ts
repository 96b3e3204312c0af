// Which entities there are, a page at a time, partition by partition.

import type { Catalog } from "../core/catalog.ts";
import { unanswered } from "../engine/unanswered.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore, ListedEntity } from "../ports/event-store.ts";
import { checkNames, invalidOption, isWhole } from "./read-only.ts";

/** Which entities to list. */
export interface EntitiesOptions {
  /** Of this type alone, earlier names (`formerly`) included where this node defines it. Default: of all types. */
  readonly type?: string;
  /** What the last page gave as `next`. Default: from the beginning. */
  readonly after?: string;
  /** At most so many, 1 to 1,000. Default 100. */
  readonly limit?: number;
}

/** Some of the entities. */
export interface EntitiesPage {
  /** Those that have records, by the type that wrote the first one. */
  readonly entities: readonly ListedEntity[];
  /** For the next page; null: there was nothing more. Ask this, and not the number, which may be less than `limit`. */
  readonly next: string | null;
}

export interface EntitiesParts {
  readonly partitions: number;
  readonly timeoutMs: number;
  readonly catalog: Catalog;
  readonly store: EventStore;
  readonly clock: Clock;
}

/** Entities looked at for one page, whatever is left out of it: it must not take all day to find two of a million. */
const LOOKED_AT = 20_000;
const CALL = 1_000;
const POSITION = /^(\d{1,4})\.([0-9a-f-]{36})?$/;

/** Between which entities a page begins: behind `id` of the partition. */
interface Position {
  readonly partition: number;
  readonly id: string;
}

/**
 * The entities that were there when it began and are not destroyed come in some page, each once; of those that come
 * meanwhile, some may.
 * @throws PachydermError INVALID_OPTIONS, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
 */
export async function listEntities(
  options: EntitiesOptions | undefined,
  parts: EntitiesParts,
): Promise<EntitiesPage> {
  const { type, limit, from } = readEntitiesOptions(options, parts.partitions);
  const deadline = parts.clock.monotonicMs() + parts.timeoutMs;
  const names = namesOf(type, parts.catalog);
  const found: ListedEntity[] = [];
  let { partition, id } = from;
  for (let looked = 0; partition < parts.partitions && looked < LOOKED_AT; ) {
    const entities = await list(parts, partition, id, names === null ? limit - found.length : CALL, deadline);
    looked += Math.max(1, entities.length);
    for (const entity of entities) {
      id = entity.id;
      if (names !== null && !names.has(entity.type)) continue;
      found.push(entity);
      if (found.length === limit) return { entities: found, next: `${partition}.${id}` };
    }
    if (entities.length === 0) {
      partition += 1;
      id = "";
    }
  }
  return { entities: found, next: partition < parts.partitions ? `${partition}.${id}` : null };
}

async function list(
  { store, clock }: EntitiesParts,
  partition: number,
  after: string,
  limit: number,
  deadline: number,
): Promise<readonly ListedEntity[]> {
  const answer = await store.list(partition, after, limit, deadline);
  if (answer.kind === "listed") return answer.entities;
  throw unanswered(answer.reason, deadline, clock);
}

function namesOf(type: string | undefined, catalog: Catalog): ReadonlySet<string> | null {
  if (type === undefined) return null;
  const definition = catalog.entity(type);
  return new Set(definition === undefined ? [type] : [definition.type, ...definition.formerly]);
}

function readEntitiesOptions(options: unknown, partitions: number) {
  const given = checkNames<EntitiesOptions>(options, ["type", "after", "limit"]);
  const { type, after = "0.", limit = 100 } = given;
  if (type !== undefined && typeof type !== "string")
    throw invalidOption("type is the name of an entity type");
  if (!isWhole(limit, 1, 1_000)) throw invalidOption("limit is a whole number from 1 to 1,000");
  const [, number = "", id = ""] = POSITION.exec(String(after)) ?? [];
  if (number === "" || Number(number) >= partitions)
    throw invalidOption("after is what the page before gave as next");
  return { type, limit, from: { partition: Number(number), id } satisfies Position };
}
