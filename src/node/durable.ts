// How safely a send's commit is to be kept: asked once it is committed, so that no other commit waits for it.

import { PachydermError } from "../core/errors.ts";
import type { DurabilityOption, Durable, SendOptions } from "../core/options.ts";
import { partitionOf } from "../core/partition.ts";
import type { Reference } from "../core/reference.ts";
import type { Signals } from "../engine/signals.ts";
import type { Clock } from "../ports/clock.ts";
import type { Durability, Wanted } from "../ports/durability.ts";
import { invalidOption, isWhole } from "./read-only.ts";

export interface DurablesParts {
  readonly partitions: number;
  readonly timeoutMs: number;
  readonly durability: Durability;
  readonly signals: Signals;
  readonly clock: Clock;
}

/** What is wanted, and until when it is waited for. */
interface Wish {
  readonly wanted: Wanted;
  /** Monotonic ms. */
  readonly deadline: number;
}

export class Durables {
  readonly #parts: DurablesParts;

  constructor(parts: DurablesParts) {
    this.#parts = parts;
  }

  /**
   * Null where nothing more is asked for than that it is committed.
   * @throws PachydermError INVALID_OPTIONS, UNSUPPORTED_REDIS: before anything is sent
   */
  wish(options: SendOptions | undefined): Wish | null {
    const option = peek(options, "durability");
    if (option === undefined || option === "memory") return null;
    const { durability, clock } = this.#parts;
    const given = peek(options, "timeoutMs");
    const until = clock.monotonicMs() + (typeof given === "number" ? given : this.#parts.timeoutMs);
    const wish = readDurability(option as DurabilityOption, clock.monotonicMs(), until);
    const refusal = durability.refusal(wish.wanted);
    if (refusal !== null) throw new PachydermError("UNSUPPORTED_REDIS", refusal);
    return wish;
  }

  /**
   * The answer of a send, with how safely it is kept. A duplicate is asked for too: what it was answered by may be as
   * young as a millisecond.
   */
  async confirmed<T extends { readonly version: number }>(
    sent: Promise<T>,
    { type, id }: Reference,
    { wanted, deadline }: Wish,
  ): Promise<T & { readonly durable: Durable }> {
    const answer = await sent;
    const { durability, partitions, signals } = this.#parts;
    const confirmed = await durability.confirm(partitionOf(id.toLowerCase(), partitions), wanted, deadline);
    const durable =
      confirmed.kind === "confirmed"
        ? { local: confirmed.local, replicas: confirmed.replicas, reached: confirmed.reached }
        : { local: 0, replicas: 0, reached: false };
    if (!durable.reached) {
      const reference = { type, id: id.toLowerCase() };
      signals.emit("durability-missed", { reference, version: answer.version, ...durable });
    }
    return { ...answer, durable };
  }
}

/** The engine reads all options again, and refuses those that cannot be read. */
function peek(options: SendOptions | undefined, name: "durability" | "timeoutMs"): unknown {
  try {
    return options?.[name];
  } catch {
    return undefined;
  }
}

function readDurability(option: DurabilityOption, now: number, until: number): Wish {
  if (option === "fsync") return { wanted: { kind: "fsync" }, deadline: until };
  if (typeof option !== "object" || option === null)
    throw invalidOption('durability is "memory", "fsync" or { replicas, timeoutMs }');
  const { replicas, timeoutMs, ...others } = option;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw invalidOption(`durability has no part ${unknown} (there are: replicas, timeoutMs)`);
  if (!isWhole(replicas, 1, 1_000))
    throw invalidOption("durability.replicas is a whole number from 1 to 1,000");
  if (timeoutMs === undefined) return { wanted: { kind: "replicas", count: replicas }, deadline: until };
  if (typeof timeoutMs !== "number" || !(timeoutMs > 0))
    throw invalidOption("durability.timeoutMs is a number of milliseconds above 0");
  return { wanted: { kind: "replicas", count: replicas }, deadline: Math.min(now + timeoutMs, until) };
}
