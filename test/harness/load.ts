// Senders that send one message after the other, to any of many ledgers, and write down what they were told and when. The
// times are the machine's monotonic clock, so those of several processes can be compared.

import { type Pachyderm, PachydermError } from "../../src/index.ts";
import type { LedgerState } from "../programs/ledger.ts";

export interface LoadOrder {
  /** In front of the operations' numbers. */
  readonly name: string;
  readonly type: string;
  readonly ids: readonly string[];
  /** So many, each with one message under way. */
  readonly senders: number;
  /** Milliseconds between an answer and the next message of a sender; 0: none. */
  readonly thinkMs: number;
  readonly timeoutMs: number;
}

/** One message or `get`, and what its sender was told. */
export interface Told {
  readonly id: string;
  /** Null: it was a `get`. */
  readonly op: string | null;
  readonly outcome: "answered" | "rejected" | "not-committed" | "unknown";
  /** Of an error that is no rejection. */
  readonly error?: string;
  readonly handledVersion?: number;
  /** What it saw: the answer's state and version, or those that it was rejected at. */
  readonly seen?: { readonly version: number; readonly state: LedgerState };
  /** Milliseconds of the machine's monotonic clock. */
  readonly from: number;
  readonly to: number;
}

export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** Of ten messages, so many are picky, and as many are `get`s. */
const IN_TEN = 1;
/** After an error, so that a node that refuses everything is not asked without end. */
const AFTER_ERROR_MS = 5;

export class Load {
  readonly #node: Pachyderm;
  readonly #order: LoadOrder;
  readonly #told: Told[] = [];
  readonly #senders: Promise<void>[];
  #goesOn = true;

  constructor(node: Pachyderm, order: LoadOrder) {
    this.#node = node;
    this.#order = order;
    this.#senders = Array.from({ length: order.senders }, (_, place) => this.#send(place));
  }

  /** Answered so far. */
  get answered(): number {
    return this.#told.length;
  }

  /** No sender begins another message; resolves when all have their last answer. */
  async finish(): Promise<readonly Told[]> {
    this.#goesOn = false;
    await Promise.all(this.#senders);
    return this.#told;
  }

  async #send(place: number): Promise<void> {
    const { name, thinkMs, ids } = this.#order;
    let generation = 0;
    for (let number = 0; this.#goesOn; number++) {
      const id = ids[Math.floor(Math.random() * ids.length)] ?? "";
      const die = Math.floor(Math.random() * 10);
      // What became of the last one is unknown: it may still come, after later ones, and they must not look out of order.
      const op = `${name}.${place}.${generation}:${number}`;
      const told = die < IN_TEN ? await this.#get(id) : await this.#add(id, op, die < 2 * IN_TEN);
      this.#told.push(told);
      if (told.outcome === "unknown") generation += 1;
      const pause = told.error === undefined ? thinkMs : Math.max(thinkMs, AFTER_ERROR_MS);
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #add(id: string, op: string, picky: boolean): Promise<Told> {
    const { type, timeoutMs } = this.#order;
    const from = monotonicMs();
    try {
      const answer = await this.#node.send({ type, id }, { type: "add", op, picky }, { timeoutMs });
      const { version, handledVersion } = answer;
      const state = answer.state as LedgerState;
      return {
        id,
        op,
        outcome: "answered",
        handledVersion,
        seen: { version, state },
        from,
        to: monotonicMs(),
      };
    } catch (thrown) {
      return { id, op, ...failureOf(thrown), from, to: monotonicMs() };
    }
  }

  async #get(id: string): Promise<Told> {
    const { type, timeoutMs } = this.#order;
    const from = monotonicMs();
    try {
      const { version, state } = await this.#node.get({ type, id }, undefined, undefined, { timeoutMs });
      return {
        id,
        op: null,
        outcome: "answered",
        seen: { version, state: state as LedgerState },
        from,
        to: monotonicMs(),
      };
    } catch (thrown) {
      return { id, op: null, ...failureOf(thrown), from, to: monotonicMs() };
    }
  }
}

function failureOf(thrown: unknown): Pick<Told, "outcome" | "error" | "seen"> {
  if (!(thrown instanceof PachydermError)) throw thrown;
  if (thrown.code === "REJECTED" && thrown.outcome === "not-committed") {
    const { detail } = thrown.detail as { readonly detail: NonNullable<Told["seen"]> };
    return { outcome: "rejected", seen: detail };
  }
  return { outcome: thrown.outcome, error: `${thrown.code} ${thrown.outcome}: ${thrown.message}` };
}
