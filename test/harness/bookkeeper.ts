// A node under test, and what its senders were told.

import { newId, Pachyderm, PachydermError, type SendOptions, type StartOptions } from "../../src/index.ts";
import { ledger, note } from "../programs/ledger.ts";
import type { Attempt } from "./log-checker.ts";

export interface Told {
  readonly attempt: Attempt;
  /** Of a failed attempt. */
  readonly error: PachydermError | null;
  readonly duplicate: boolean;
  readonly tookMs: number;
}

/** Sends to one ledger, and keeps the books. */
export class Bookkeeper {
  readonly id: string;
  readonly told: Told[] = [];
  readonly #node: Pachyderm;
  readonly #sender: string;
  #number = 0;

  constructor(node: Pachyderm, sender: string, id: string = newId()) {
    this.#node = node;
    this.#sender = sender;
    this.id = id;
  }

  get attempts(): readonly Attempt[] {
    return this.told.map(({ attempt }) => attempt);
  }

  /** The next operation. Anything but an answer or a PachydermError is thrown. */
  async send(options: SendOptions = {}): Promise<Told> {
    return await this.repeat(`${this.#sender}:${this.#number++}`, options);
  }

  /** An operation that may have been sent before. */
  async repeat(op: string, options: SendOptions): Promise<Told> {
    const started = performance.now();
    const told = await this.#send(op, options, () => performance.now() - started);
    this.told.push(told);
    return told;
  }

  async #send(op: string, options: SendOptions, took: () => number): Promise<Told> {
    try {
      const answer = await this.#node.send(
        ledger.ref(this.id),
        { type: "add", op },
        { ...options, answer: "state" },
      );
      const { handledVersion, version, state, duplicate } = answer;
      const attempt = { op, outcome: "answered", handledVersion, seen: { version, state } } as const;
      return { attempt, error: null, duplicate, tookMs: took() };
    } catch (thrown) {
      if (!(thrown instanceof PachydermError)) throw thrown;
      return { attempt: { op, outcome: thrown.outcome }, error: thrown, duplicate: false, tookMs: took() };
    }
  }
}

export async function startNode(
  redis: string,
  network: string,
  options: StartOptions = {},
): Promise<Pachyderm> {
  return await Pachyderm.start({ entities: [ledger], effects: [note], redis, network, ...options });
}
