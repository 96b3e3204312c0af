// Entities and effects from a module that is known only when the program runs.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { AnyEffect } from "../../core/effect.ts";
import type { AnyEntity } from "../../core/entity.ts";
import { reasonOf } from "../../core/errors.ts";
import { isEffect, isEntity } from "../settings.ts";
import { invalidVariable } from "./variables.ts";

export interface Definitions {
  readonly entities: readonly AnyEntity[];
  readonly effects: readonly AnyEffect[];
}

/**
 * Takes what a module exports, under whatever names, of `defineEntity` and `defineEffect`.
 *
 * @param module a `file:` URL, or a path, from where the program was started
 * @throws PachydermError INVALID_OPTIONS
 */
export async function importDefinitions(module: string): Promise<Definitions> {
  const url = module.startsWith("file:") ? module : pathToFileURL(resolve(module)).href;
  let exported: unknown[];
  try {
    exported = Object.values((await import(url)) as object);
  } catch (cause) {
    throw invalidVariable(
      "PACHYDERM_ENTITIES",
      `names a module that cannot be imported: ${reasonOf(cause)}`,
      cause,
    );
  }
  // Once each: a module may export the same under two names.
  const entities = [...new Set(exported.filter(isEntity))];
  const effects = [...new Set(exported.filter(isEffect))];
  if (entities.length + effects.length > 0) return { entities, effects };
  throw invalidVariable(
    "PACHYDERM_ENTITIES",
    "names a module that exports nothing made by defineEntity or defineEffect",
  );
}
