// Effects at most once: dispatched after the commit by the node that committed, and never the sender's concern.

import type { Catalog } from "../core/catalog.ts";
import { PachydermError } from "../core/errors.ts";
import type { SignalPayloads } from "../core/signals.ts";
import type { PlannedEffect } from "./batch.ts";

export interface EffectLimits {
  /** Dispatches under way at once. */
  readonly concurrency: number;
  /** Effects that may wait; one more is given up, and told of. */
  readonly waiting: number;
  /** Given to `dispatch` where the sender gave none. */
  readonly config: unknown;
}

const STOPPED = "the node has stopped";

export class Effects {
  readonly #catalog: Catalog;
  readonly #limits: EffectLimits;
  readonly #failed: (payload: SignalPayloads["effect-failed"]) => void;
  readonly #waiting: PlannedEffect[] = [];
  readonly #stopping = new AbortController();
  #running = 0;
  #idle: (() => void) | null = null;

  constructor(
    catalog: Catalog,
    limits: EffectLimits,
    failed: (payload: SignalPayloads["effect-failed"]) => void,
  ) {
    this.#catalog = catalog;
    this.#limits = limits;
    this.#failed = failed;
  }

  dispatch(effects: readonly PlannedEffect[]): void {
    for (const planned of effects) this.#add(planned);
  }

  /** Resolves when nothing waits or runs, or when the time is up: what waits then is given up, what runs is aborted. */
  async drain(ms: number): Promise<void> {
    if (this.#running > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    for (const planned of this.#waiting.splice(0)) this.#giveUp(planned, "NODE_STOPPING", STOPPED);
    this.#stopping.abort();
  }

  #add(planned: PlannedEffect): void {
    if (this.#stopping.signal.aborted) this.#giveUp(planned, "NODE_STOPPING", STOPPED);
    else if (this.#running < this.#limits.concurrency) this.#start(planned);
    else if (this.#waiting.length < this.#limits.waiting) this.#waiting.push(planned);
    else this.#giveUp(planned, "MAILBOX_FULL", `${this.#limits.waiting} effects wait already`);
  }

  #fill(): void {
    while (this.#running < this.#limits.concurrency) {
      const planned = this.#waiting.shift();
      if (planned === undefined) break;
      this.#start(planned);
    }
  }

  #start(planned: PlannedEffect): void {
    this.#running += 1;
    this.#run(planned).then(() => this.#done());
  }

  #done(): void {
    this.#running -= 1;
    this.#fill();
    if (this.#running === 0) this.#idle?.();
  }

  /** Never rejects: the events are committed, and nobody waits for this. */
  async #run({ effect, effectId, envelope, version }: PlannedEffect): Promise<void> {
    const { reference, config = this.#limits.config } = envelope.order;
    try {
      const context = { effectId, attempt: 1, reference, version, signal: this.#stopping.signal };
      const definition = this.#catalog.effect(effect.effect);
      if (definition === undefined) throw new Error(`there is no effect ${effect.effect}`); // the decision was checked
      await definition.dispatch(effect.payload, config, context);
    } catch (error) {
      this.#failed({ effect: effect.effect, effectId, reference, version, error });
    }
  }

  #giveUp(
    { effect, effectId, envelope, version }: PlannedEffect,
    code: "MAILBOX_FULL" | "NODE_STOPPING",
    why: string,
  ): void {
    const error = new PachydermError(code, `the effect was not dispatched: ${why}`);
    this.#failed({ effect: effect.effect, effectId, reference: envelope.order.reference, version, error });
  }
}
