// What a program says of a subscription, checked: names too, for a misspelt one would be a promise not kept.

import type { AnyEntity } from "../../core/entity.ts";
import { PachydermError } from "../../core/errors.ts";
import { strayKey } from "../../core/known-keys.ts";
import { parseLogCursor } from "../../core/log-cursor.ts";
import type { LogLine } from "../../core/log-entry.ts";
import { LOG_START, type LogPlace } from "../../core/log-place.ts";
import { isTypeName } from "../../core/reference.ts";
import type { Recorder } from "../recorder.ts";
import type { Subscribed } from "./subscribed.ts";

export interface SubscriptionRules {
  readonly network: string;
  readonly partitions: number;
  readonly recorder: Recorder;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const KNOWN = [
  "name",
  "from",
  "entities",
  "events",
  "batch",
  "attempts",
  "backoffMs",
  "progress",
  "handle",
  "destroyed",
];
const LONGEST_MS = 3_600_000;

/** @throws PachydermError INVALID_OPTIONS */
export function readName(name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw invalid("a subscription's name is 1 to 64 letters, digits and _.-, a letter or digit first");
}

/** @throws PachydermError INVALID_OPTIONS, INVALID_CURSOR */
export function readSubscription(options: unknown, rules: SubscriptionRules): Subscribed {
  if (typeof options !== "object" || options === null) throw invalid("subscribe takes an object of options");
  const given: Readonly<Record<string, unknown>> = { ...options };
  const stray = strayKey(given, KNOWN);
  if (stray !== undefined) throw invalid(stray);
  const { from = "start", entities, events, batch, attempts = 8, backoffMs = 100, progress } = given;
  const { handle, destroyed } = given;
  if (typeof handle !== "function") throw invalid("a subscription has a function handle");
  if (destroyed !== undefined && typeof destroyed !== "function") throw invalid("destroyed is a function");
  if (progress !== undefined && typeof progress !== "function") throw invalid("progress is a function");
  if (batch !== undefined && !isWhole(batch, 1, 500)) throw invalid("batch is a whole number from 1 to 500");
  if (!isWhole(attempts, 1, 1_000)) throw invalid("attempts is a whole number from 1 to 1,000");
  if (!isWhole(backoffMs, 0, LONGEST_MS))
    throw invalid(`backoffMs is a whole number from 0 to ${LONGEST_MS}`);
  if (events !== undefined && !isTexts(events)) throw invalid("events is an array of event types");
  return {
    name: readName(given["name"]),
    from: readFrom(from, rules),
    wants: readEntities(entities, rules.recorder),
    events: events === undefined ? null : new Set(events),
    batch: batch ?? null,
    attempts,
    backoffMs,
    handle: handle as Subscribed["handle"],
    destroyed: (destroyed as Subscribed["destroyed"] | undefined) ?? null,
    progress: (progress as Subscribed["progress"] | undefined) ?? null,
  };
}

/**
 * Where each partition is to begin.
 * @throws PachydermError INVALID_OPTIONS, INVALID_CURSOR
 */
export function readFrom(
  from: unknown,
  { network, partitions }: SubscriptionRules,
): (partition: number) => LogPlace | "now" {
  if (from === "start") return () => LOG_START;
  if (from === "now") return () => "now";
  if (typeof from !== "string") throw invalid('from is "start", "now" or a cursor of a subscription');
  if (from.startsWith("p1."))
    throw new PachydermError(
      "INVALID_CURSOR",
      "this cursor names one place of one entity: a subscription covers all partitions, and takes what `cursor()` gives",
    );
  const places = parseLogCursor(network, partitions, from);
  return (partition) => places[partition] ?? LOG_START;
}

/** Definitions, whose earlier names count too, or type names; where this node defines a name, its earlier names as well. */
function readEntities(entities: unknown, recorder: Recorder): (line: LogLine) => boolean {
  if (entities === undefined) return () => true;
  if (!Array.isArray(entities) || entities.length === 0)
    throw invalid("entities is an array of definitions or type names, one at least");
  const types = new Set<string>();
  for (const entity of entities as readonly unknown[]) {
    const definition = isDefinition(entity)
      ? entity
      : isTypeName(entity)
        ? recorder.definition(entity)
        : undefined;
    if (definition === undefined && !isTypeName(entity))
      throw invalid("entities is an array of definitions or type names");
    if (isTypeName(entity)) types.add(entity);
    for (const type of definition === undefined ? [] : [definition.type, ...definition.formerly])
      types.add(type);
  }
  return ({ type }) => types.has(type);
}

function isDefinition(value: unknown): value is AnyEntity {
  return typeof value === "object" && value !== null && "update" in value && "formerly" in value;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

function invalid(message: string): PachydermError {
  return new PachydermError("INVALID_OPTIONS", message);
}
