// What this program defines: entities by type name, older names included, and effects by name.

import type { AnyEffect } from "./effect.ts";
import type { AnyEntity } from "./entity.ts";
import { PachydermError } from "./errors.ts";
import type { ViewTable } from "./view.ts";

export class Catalog {
  readonly #entities = new Map<string, AnyEntity>();
  readonly #effects = new Map<string, AnyEffect>();

  /** @throws PachydermError INVALID_OPTIONS if two definitions claim one name */
  constructor(entities: readonly AnyEntity[], effects: readonly AnyEffect[]) {
    for (const entity of entities) {
      for (const type of [entity.type, ...entity.formerly]) put(this.#entities, type, entity, "entities");
    }
    for (const effect of effects) put(this.#effects, effect.name, effect, "effects");
  }

  /** The definition that handles a type today. */
  entity(type: string): AnyEntity | undefined {
    return this.#entities.get(type);
  }

  effect(name: string): AnyEffect | undefined {
    return this.#effects.get(name);
  }

  get effectNames(): readonly string[] {
    return [...this.#effects.keys()];
  }

  /** Each definition once. */
  get definitions(): readonly AnyEntity[] {
    return [...new Set(this.#entities.values())];
  }

  /** Of all definitions. */
  get views(): readonly ViewTable[] {
    return this.definitions.flatMap(({ viewTables }) => viewTables);
  }

  /** The types that senders may name. */
  get types(): readonly string[] {
    return [...this.#entities.keys()];
  }
}

function put<T>(map: Map<string, T>, name: string, value: T, what: string): void {
  if (map.has(name)) throw new PachydermError("INVALID_OPTIONS", `two of the ${what} claim the name ${name}`);
  map.set(name, value);
}
