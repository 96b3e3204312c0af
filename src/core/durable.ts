// Durable effects: how often they are tried, and what their job has to know. Pure.

import { type Json, parseJson } from "./json.ts";
import { strayKey } from "./known-keys.ts";
import type { Reference } from "./reference.ts";

/** How a durable effect is tried: at least once, until it succeeds or `attempts` have failed. */
export interface DurablePolicy {
  /** Dispatches that may throw until it is listed as failed, 1 to 1,000. Default 8. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled before each one more. Default 500. */
  readonly backoffMs: number;
  /** Dispatches of this effect at once in one node; undefined: the node's `effectConcurrency`. */
  readonly concurrency?: number;
}

export const defaultDurablePolicy: DurablePolicy = { attempts: 8, backoffMs: 500 };

/** What is wrong with a policy, for a sentence; undefined: nothing. */
export function durableProblem(durable: unknown): string | undefined {
  if (durable === undefined) return undefined;
  if (typeof durable !== "object" || durable === null)
    return "durable is { attempts?, backoffMs?, concurrency? }";
  const stray = strayKey(durable, ["attempts", "backoffMs", "concurrency"]);
  if (stray !== undefined) return `durable: ${stray}`;
  const { attempts, backoffMs, concurrency } = durable as Record<string, unknown>;
  if (!isWhole(attempts, 1, 1_000)) return "durable.attempts is a whole number from 1 to 1,000";
  if (!isWhole(backoffMs, 0, 86_400_000))
    return "durable.backoffMs is a whole number of milliseconds, at most a day";
  if (!isWhole(concurrency, 1, 100_000)) return "durable.concurrency is a whole number from 1 to 100,000";
  return undefined;
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return (
    value === undefined || (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most)
  );
}

/** What stands in a job: all that a dispatch needs, on whatever node and however much later. */
export interface EffectJob {
  readonly reference: Reference;
  /** Of the record that the effect came with. */
  readonly version: number;
  readonly commitId: string;
  /** Epoch ms by the store's clock, when its message was handled. */
  readonly at: number;
  readonly payload: Json;
  /** As the sender gave it, plain JSON; undefined: the node's own. */
  readonly config?: Json | undefined;
}

export function formatEffectJob({ reference: { type, id }, ...job }: EffectJob): string {
  return JSON.stringify({ type, id, ...job });
}

/** Undefined if the text is no job of ours: it stood in Redis, where anybody may write. */
export function parseEffectJob(text: string): EffectJob | undefined {
  try {
    const value = parseJson(text) as Partial<Record<string, Json>> | null;
    if (typeof value !== "object" || value === null) return undefined;
    const { type, id, version, commitId, at, payload, config } = value;
    if (typeof type !== "string" || typeof id !== "string" || typeof commitId !== "string") return undefined;
    if (!Number.isSafeInteger(version) || !Number.isSafeInteger(at) || payload === undefined)
      return undefined;
    const job = { reference: { type, id }, version: Number(version), commitId, at: Number(at), payload };
    return config === undefined ? job : { ...job, config };
  } catch {
    return undefined;
  }
}
