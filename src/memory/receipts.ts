// Receipts of all entities, each until its time is over.

import type { EntityKey, ReceiptStep } from "../ports/event-store.ts";

export interface Receipt {
  readonly commitId: string;
  readonly value: string;
  /** When it is over, ms by the log's clock. */
  readonly until: number;
}

/** Below this, looking for those that are over is not worth it. */
const FEW = 1_024;

export class Receipts {
  readonly #kept = new Map<string, Receipt>();
  #sweepAt = FEW;

  /** A receipt that is not over. */
  find(key: EntityKey, step: ReceiptStep, now: number): Receipt | undefined {
    const receipt = this.#kept.get(nameOf(key, step));
    return receipt !== undefined && receipt.until > now ? receipt : undefined;
  }

  keep(key: EntityKey, step: ReceiptStep, commitId: string, now: number): void {
    if (step.write === null) return;
    const { value, ttlMs } = step.write;
    this.#kept.set(nameOf(key, step), { commitId, value, until: now + ttlMs });
    if (this.#kept.size >= this.#sweepAt) this.#sweep(now);
  }

  /** Removes all of one kind that an entity has. */
  forget(id: string, kind: ReceiptStep["kind"]): void {
    for (const name of this.#kept.keys()) if (name.startsWith(`${id}:${kind}:`)) this.#kept.delete(name);
  }

  /**
   * Nobody asks for most receipts again, so reading alone would never remove them. All are walked each time that
   * their number has doubled since the last walk: a constant cost for each receipt, and no timer.
   */
  #sweep(now: number): void {
    for (const [name, { until }] of this.#kept) {
      if (until <= now) this.#kept.delete(name);
    }
    this.#sweepAt = Math.max(FEW, 2 * this.#kept.size);
  }
}

/** Neither an id nor a kind has a colon in it, so no two receipts share a name, whatever the caller's key holds. */
function nameOf({ id }: EntityKey, { kind, key }: ReceiptStep): string {
  return `${id}:${kind}:${key}`;
}
