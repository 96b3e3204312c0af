// From events to a subscription's handler: one at a time, again when it fails, and given up in the end.

import { PachydermError, reasonOf } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { copyJson, problemText } from "../../core/json.ts";
import type { DeliveryContext } from "../../core/subscription.ts";
import type { Rest } from "./rest.ts";
import type { Given, Handle, Subscribed } from "./subscribed.ts";

export interface DeliveryParts {
  readonly subscription: Subscribed;
  readonly partition: number;
  readonly maxRowBytes: number;
  readonly signal: AbortSignal;
  readonly rest: Rest;
  /** JSON text. */
  readonly row: (key: string) => Promise<string | null>;
}

export type Delivery =
  | { readonly kind: "handled"; readonly rows: ReadonlyMap<string, string | null> | null }
  | { readonly kind: "failed"; readonly error: unknown }
  /** Told to end before it was handled. */
  | { readonly kind: "ended" };

const LONGEST_PAUSE_MS = 10_000;
const done: Delivery = { kind: "handled", rows: null };

export class Deliverer {
  readonly #parts: DeliveryParts;
  readonly #first: DeliveryContext;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#first = this.#context(1);
  }

  /** A promise only where the handler gives one, or failed: a handler that answers at once costs no turn of the loop. */
  deliver(given: Given, handle: Handle): Delivery | Promise<Delivery> {
    try {
      const result = handle(given as never, this.#first);
      if (isPromise(result)) return this.#awaited(given, handle, result);
      return result === undefined ? done : this.#handled(result);
    } catch (thrown) {
      return this.#again(given, handle, thrown);
    }
  }

  async #awaited(given: Given, handle: Handle, first: PromiseLike<unknown>): Promise<Delivery> {
    try {
      return this.#handled(await first);
    } catch (thrown) {
      return await this.#again(given, handle, thrown);
    }
  }

  async #again(given: Given, handle: Handle, first: unknown): Promise<Delivery> {
    const { subscription, rest } = this.#parts;
    let error = first;
    for (let attempt = 2; attempt <= subscription.attempts; attempt++) {
      const longest = Math.min(LONGEST_PAUSE_MS, subscription.backoffMs * 2 ** (attempt - 2));
      await rest.until("ended", longest * (0.5 + Math.random() / 2));
      if (rest.isEnded) return { kind: "ended" };
      try {
        return this.#handled(await handle(given as never, this.#context(attempt)));
      } catch (thrown) {
        error = thrown;
      }
    }
    return rest.isEnded ? { kind: "ended" } : { kind: "failed", error };
  }

  #context(attempt: number): DeliveryContext {
    const { subscription, partition, signal, row } = this.#parts;
    return {
      subscription: subscription.name,
      partition,
      attempt,
      signal,
      row: async (key): Promise<Json> => {
        const text = await row(key);
        return text === null ? null : (JSON.parse(text) as Json);
      },
    };
  }

  /** @throws PachydermError HANDLER_FAILED */
  #handled(result: unknown): Delivery {
    if (typeof result !== "object" || result === null || !Object.hasOwn(result, "rows")) return done;
    const { rows } = result as { readonly rows: unknown };
    if (rows === undefined || rows === null) return done;
    if (typeof rows !== "object" || Array.isArray(rows))
      throw failed("rows is an object of rows by their keys");
    return { kind: "handled", rows: this.#rowsOf(rows) };
  }

  #rowsOf(rows: object): ReadonlyMap<string, string | null> {
    return new Map(
      Object.entries(rows).map(([key, row]: [string, unknown]) => {
        if (key === "" || key.length > KEY_LENGTH)
          throw failed(`a row's key has 1 to ${KEY_LENGTH} characters`);
        if (row === null) return [key, null];
        try {
          return [key, JSON.stringify(copyJson(row, this.#parts.maxRowBytes))];
        } catch (cause) {
          throw failed(`the row ${key} is not plain JSON: ${problemText(cause)}`, cause);
        }
      }),
    );
  }
}

const KEY_LENGTH = 512;

function failed(message: string, cause?: unknown): PachydermError {
  return new PachydermError("HANDLER_FAILED", message, { cause });
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** The sentence that is kept with a parked subscription. */
export function parkedBecause(error: unknown): string {
  const reason = reasonOf(error);
  const code = error instanceof PachydermError ? `${error.code}: ` : "";
  return `${code}${reason}`.slice(0, 1_000);
}
