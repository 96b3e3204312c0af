// From a durable effect to the job that its commit puts on the queue.

import type { SoundEffect } from "../core/decision.ts";
import { type DurablePolicy, type EffectJob, formatEffectJob } from "../core/durable.ts";
import type { Json } from "../core/json.ts";
import { TELL, type Tell } from "../core/tell.ts";
import type { NewJob } from "../ports/event-store.ts";

/** Where an effect came from. */
export interface Origin extends Omit<EffectJob, "payload" | "config"> {
  /** As the sender gave it; `turn.ts` has made sure that it is plain JSON. */
  readonly config: unknown;
}

export function jobOf(
  id: string,
  { effect, payload }: SoundEffect,
  { attempts, backoffMs }: DurablePolicy,
  { config, ...origin }: Origin,
): NewJob {
  const data = formatEffectJob({
    ...origin,
    payload,
    ...(config === undefined ? {} : { config: config as Json }),
  });
  const delayMs = effect === TELL ? (payload as Json & Tell).delayMs : 0;
  return { id, name: effect, data, attempts, backoffMs, delayMs, at: origin.at };
}
