// Effects: messages out, described as data by `handle`, dispatched only after the commit.

import { type DurablePolicy, defaultDurablePolicy, durableProblem } from "./durable.ts";
import { PachydermError } from "./errors.ts";
import { strayKey } from "./known-keys.ts";
import { isTypeName, type Reference } from "./reference.ts";

/** What `handle` returns for an effect: data, nothing has happened yet. */
export interface Effect<P = unknown> {
  readonly effect: string;
  readonly payload: P;
}

/** What `dispatch` is told besides the payload and the config. */
export interface DispatchContext {
  /** The commit's id and the effect's place in it: the same for every attempt of this effect. */
  readonly effectId: string;
  /** From 1. An effect that is not durable has one attempt; a durable one may be tried again for other reasons than that it threw. */
  readonly attempt: number;
  readonly reference: Reference;
  /** The version of the record that the effect came with. */
  readonly version: number;
  /** Aborted when the node stops waiting for this dispatch, or (a durable one) the partition is another node's by now. */
  readonly signal: AbortSignal;
}

/** What `defineEffect` takes: `P` is the payload, `C` the config. */
export interface EffectSpec<P, C> {
  /** Letters, digits and `_.-`, at most 64, a letter first. Known by this name to every node. */
  readonly name: string;
  /**
   * Given, even empty: the effect is dispatched at least once, whatever crashes. The commit puts it on a queue; where
   * `dispatch` throws it is tried again, and after `attempts` listed as failed. Left out: at most once.
   */
  readonly durable?: Partial<DurablePolicy>;
  /**
   * Does the work, after the commit. Whatever it throws becomes the signal `effect-failed`, never the sender's
   * error. A durable effect may run more than once, and twice at once: `context.effectId` tells.
   * @param payload plain JSON, as `handle` gave it
   * @param config what the sender handed to `send`, else the node's own `config`
   */
  dispatch(payload: P, config: C, context: DispatchContext): unknown;
}

/** An effect's definition: call it with a payload to describe one, in `handle`. */
export interface EffectDefinition<P = never, C = never> extends Omit<EffectSpec<P, C>, "durable"> {
  (payload: P): Effect<P>;
  /** How it is tried; undefined: at most once. */
  readonly durable: DurablePolicy | undefined;
}

/** What the engine needs of a definition, whatever its payload. */
export interface AnyEffect {
  readonly name: string;
  readonly durable?: DurablePolicy | undefined;
  dispatch(payload: unknown, config: unknown, context: DispatchContext): unknown;
}

/**
 * Defines an effect. At most once, unless it is `durable`: it is dispatched by the committing node, after the commit,
 * and a crash in between loses it.
 * @throws PachydermError INVALID_OPTIONS
 */
export function defineEffect<P, C = unknown>(spec: EffectSpec<P, C>): EffectDefinition<P, C> {
  if (typeof spec !== "object" || spec === null)
    throw new PachydermError("INVALID_OPTIONS", "defineEffect takes an object");
  const { name } = spec;
  if (!isTypeName(name)) {
    throw new PachydermError(
      "INVALID_OPTIONS",
      "an effect's name is text of letters, digits and _.-, a letter first",
    );
  }
  if (typeof spec.dispatch !== "function") {
    throw new PachydermError(
      "INVALID_OPTIONS",
      `the effect ${name} needs a function dispatch(payload, config, context)`,
    );
  }
  const problem = strayKey(spec, ["name", "durable", "dispatch"]) ?? durableProblem(spec.durable);
  if (problem !== undefined) throw new PachydermError("INVALID_OPTIONS", `the effect ${name}: ${problem}`);
  const durable = spec.durable === undefined ? undefined : { ...defaultDurablePolicy, ...spec.durable };
  const describe = (payload: P): Effect<P> => ({ effect: name, payload });
  // A function has a `name` of its own, which cannot be assigned but can be defined.
  Object.defineProperty(describe, "name", { value: name });
  const dispatch: EffectSpec<P, C>["dispatch"] = (payload, config, context) =>
    spec.dispatch(payload, config, context);
  return Object.assign(describe, { dispatch, durable }) as EffectDefinition<P, C>;
}
