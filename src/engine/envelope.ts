// A message (or a `get`) on its way through this node, with its sender's promise. Every envelope settles once.

import type { Place } from "../core/cursor.ts";
import type { AnyEntity } from "../core/entity.ts";
import { type Outcome, PachydermError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Receipt } from "../core/receipt.ts";
import type { Reference } from "../core/reference.ts";
import type { Firing } from "../core/timer.ts";
import type { Link } from "./chain.ts";

/** What the sender wants done. Nothing in it can be changed by the caller any more, and all of it can go to another node. */
export interface Sealed {
  readonly reference: Reference;
  /** Monotonic milliseconds. */
  readonly deadline: number;
  /** Epoch ms by the store's clock, when the sender sealed it: never later than the store's own time then. */
  readonly sentAt: number;
  /** As the sender gave it. Undefined: this is a `get`. */
  readonly message: Json | undefined;
  readonly messageId: string;
  readonly idempotencyKey: string | null;
  /** A `tell`, whose key is its job's id: handled at most until then, epoch ms by the store's clock. Null: a sender's own. */
  readonly tellUntil: number | null;
  /** Fingerprint of the message; "" without a key. */
  readonly hash: string;
  /** Handle it only here: a version, or a place that a cursor named. */
  readonly expected: number | Place | null;
  /** False: a lost commit is the sender's to see (CONFLICT). */
  readonly retry: boolean;
  readonly config: unknown;
  /** What the answer holds. */
  readonly answer: "state" | "none" | { readonly query: string };
  readonly queryArgs: unknown;
  /** A `get` that may be answered from memory, without asking the log. */
  readonly stale: boolean;
  /** The timer that sends it; null: a program does. */
  readonly firing: Firing | null;
  /** It ends the entity: the message is the system's own. */
  readonly destroys: boolean;
  /** A `get` that has the entity's rows written as it finds them. It never goes to another node. */
  readonly repairs: boolean;
}

/** How it came to this node. */
export interface Arrival {
  /** From 1. A second attempt is made where nobody knows what became of the first. */
  readonly attempt: number;
  /** From another node: so there may be other attempts at it. */
  readonly crossed: boolean;
}

/** Sealed, and opened where its entity's definition is: what a worker handles. */
export interface Order extends Sealed, Arrival {
  readonly definition: AnyEntity;
}

/** What the sender gets, less what only the node knows (the network's name, for the cursor). */
export interface Answer {
  readonly version: number;
  readonly commitId: string;
  readonly handledVersion: number;
  readonly reply: Json;
  readonly duplicate: boolean;
  /** The state or a query's result, as the order wanted. */
  readonly value: unknown;
}

/** Who waits for the answer: the two ends of a promise. */
export interface Sender {
  /** @param recorded whether every other attempt at the message will find the same */
  resolve(value: unknown, recorded: boolean): void;
  reject(error: PachydermError, recorded: boolean): void;
}

/** What the sender's promise resolves with; one function for all sends, so that none makes a closure of its own. */
export type Shape = (answer: Answer, order: Sealed) => unknown;

export class Envelope implements Link<Envelope> {
  readonly order: Order;
  /** Chain of its deadline's bucket. */
  previous: Envelope | null = null;
  next: Envelope | null = null;
  /** Whether a commit with it is under way: from then on a silent end is `unknown`. */
  sent = false;
  settled = false;
  /** A second attempt is handled only when the log was looked in for the first one, up to its worker's head. */
  looked = false;
  /** Its end is in the log or in a receipt: whatever other attempts there are, they will find the same. */
  recorded = false;
  /** Another commit's receipt (or records) for this message: it is answered as a duplicate, not handled. */
  recalled: Receipt | null = null;
  /** A commit with it may have been written, and what showed that was destroyed with the entity. */
  unsure = false;
  readonly #sender: Sender;
  readonly #shape: Shape;
  readonly #settled: (envelope: Envelope) => void;

  constructor(order: Order, sender: Sender, shape: Shape, settled: (envelope: Envelope) => void) {
    this.order = order;
    this.#sender = sender;
    this.#shape = shape;
    this.#settled = settled;
  }

  /** Whether the log must be looked in before it may be handled. */
  get seeks(): boolean {
    return (
      this.order.attempt > 1 && !this.looked && this.recalled === null && this.order.message !== undefined
    );
  }

  get deadline(): number {
    return this.order.deadline;
  }

  answer(answer: Answer): void {
    if (this.settled) return; // its deadline came first; the sender was told `unknown`
    this.#settle();
    this.#sender.resolve(this.#shape(answer, this.order), this.recorded);
  }

  fail(error: PachydermError): void {
    if (this.settled) return;
    this.#settle();
    this.#sender.reject(this.#truthful(error), this.recorded);
  }

  /** The deadline. A message that waits is not committed; once its commit is under way, nobody knows yet. */
  expire(): void {
    const outcome = this.sent ? "unknown" : "not-committed";
    const what = this.sent ? "while its commit was under way" : "before it was committed";
    this.fail(new PachydermError("DEADLINE_EXCEEDED", `the deadline passed ${what}`, { outcome }));
  }

  /** It came so late that what tells of other attempts at it may be gone: nobody waits for it any more. */
  failLate(): void {
    this.fail(new PachydermError("DEADLINE_EXCEEDED", "it came after its time", { outcome: "unknown" }));
  }

  /** The store gave no answer, or none that helps; where the deadline has passed meanwhile, that is the reason. */
  failStore(reason: string, outcome: Outcome, now: number): void {
    const late = now >= this.order.deadline;
    const code = late ? "DEADLINE_EXCEEDED" : "STORE_UNAVAILABLE";
    this.fail(new PachydermError(code, late ? `the deadline passed: ${reason}` : reason, { outcome }));
  }

  /** The node's end, where draining took too long. */
  giveUp(): void {
    const outcome = this.sent ? "unknown" : "not-committed";
    this.fail(
      new PachydermError("NODE_STOPPING", "this node stopped before there was an answer", { outcome }),
    );
  }

  /** Its timer does not stand any more as it was read: there is nothing to handle. */
  dropFiring(): void {
    const nothing = { version: 0, commitId: "", handledVersion: 0, reply: null, value: undefined };
    this.answer({ ...nothing, duplicate: true });
  }

  /** Whatever failed: a `get` commits nothing, and what another commit has handled is not uncommitted by it. */
  #truthful(error: PachydermError): PachydermError {
    let outcome = error.outcome;
    if (this.order.message === undefined) outcome = "not-committed";
    else if (this.recalled !== null) outcome = "unknown";
    // What another attempt, or an earlier try of this one, has left is gone with the entity.
    else if (error.code === "DESTROYED" && (this.unsure || this.order.attempt > 1)) outcome = "unknown";
    if (outcome === error.outcome) return error;
    const { code, message, detail, cause } = error;
    return new PachydermError(code, message, { outcome, detail, cause });
  }

  #settle(): void {
    this.settled = true;
    this.#settled(this);
  }
}
