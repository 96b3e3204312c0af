// What a program asks of an entity, as promises, counted by whoever measures.

import { PachydermError } from "../core/errors.ts";
import type { DestroyOptions, GetOptions } from "../core/options.ts";
import type { Engine } from "../engine/engine.ts";
import type { Answer, Sealed, Shape } from "../engine/envelope.ts";
import type { Meter } from "../ports/meter.ts";

/** An answer, and what it is the answer to. */
export interface Asked {
  readonly answer: Answer;
  readonly order: Sealed;
}

const asked: Shape = (answer, order): Asked => ({ answer, order });

export class Asking {
  readonly #engine: Engine;
  readonly #meter: Meter | undefined;

  constructor(engine: Engine, meter: Meter | undefined) {
    this.#engine = engine;
    this.#meter = meter;
  }

  get(reference: unknown, query?: string, args?: unknown, options?: GetOptions): Promise<Asked> {
    const sender = Promise.withResolvers<Asked>();
    try {
      this.#engine.get(reference, query, args, options, sender, asked);
    } catch (thrown) {
      sender.reject(thrown);
    }
    return this.metered("get", sender.promise);
  }

  async destroy(reference: unknown, options: DestroyOptions | undefined): Promise<Asked> {
    const sender = Promise.withResolvers<Asked>();
    this.#engine.destroy(reference, options, sender, asked);
    return await sender.promise;
  }

  metered<T>(kind: "send" | "get", promise: Promise<T>): Promise<T> {
    const meter = this.#meter;
    if (meter === undefined) return promise;
    promise.then(
      () => meter.ended(kind, null),
      (error: unknown) => meter.ended(kind, error instanceof PachydermError ? error.code : "HANDLER_FAILED"),
    );
    return promise;
  }
}
