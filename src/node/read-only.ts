// What the calls that only look have in common: their options, checked.

import { PachydermError } from "../core/errors.ts";
import { strayKey } from "../core/known-keys.ts";

/** @throws PachydermError INVALID_OPTIONS if it is no object, or has a key that is not among the names */
export function checkNames<T extends object>(options: unknown, names: readonly (keyof T & string)[]): T {
  if (options === undefined) return {} as T;
  if (typeof options !== "object" || options === null) throw invalidOption("options is an object");
  const stray = strayKey(options, names);
  if (stray !== undefined) throw invalidOption(stray);
  return options as T;
}

export function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

export function invalidOption(message: string): PachydermError {
  return new PachydermError("INVALID_OPTIONS", message);
}
