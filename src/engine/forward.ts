// One message on its way to the node that has its entity, and to the next one where that does not answer.
//
// Attempts are numbered. Another attempt is begun only where nobody knows what became of the last: its node went away,
// or fell silent. A node that did not take the message is no attempt: nothing was done with it. From the second attempt
// on, each one first looks for what the others did, and leaves a receipt of what it did; so of all attempts one handles
// the message, however late the others wake. What that asks of this end: once there is a second attempt, an answer that
// neither the log nor a receipt has recorded says nothing, for the other attempt may end otherwise.
// docs/guarantees.md has the interleavings.

import { type ErrorCode, PachydermError } from "../core/errors.ts";
import type { Member } from "../core/member.ts";
import type { Delivery, Parcel, Peer } from "../ports/transport.ts";
import type { Link } from "./chain.ts";
import type { Sealed, Sender, Shape } from "./envelope.ts";
import { type Reply, readReply } from "./parcels.ts";

/** What a forward needs of its node. */
export interface Ways {
  /** Where to go next, past those that are skipped. */
  next(forward: Forward): Step;
  /** `settle` is called once, and never before this returns. */
  ask(forward: Forward, member: Member, settle: (delivery: Delivery) => void): void;
  /** Hands it to this node's own worker. @throws PachydermError what is said before the mailbox */
  takeHere(forward: Forward, sender: Sender, shape: Shape): void;
  /** Calls `forward.go()` when the view has changed, or a little later. */
  wait(forward: Forward): void;
  settled(forward: Forward): void;
}

export type Step =
  | { readonly kind: "here" }
  | { readonly kind: "there"; readonly member: Member }
  | { readonly kind: "nowhere" }
  | { readonly kind: "unknown-type" }
  /** This node is leaving, and there is nobody else who could have it. */
  | { readonly kind: "stopping" };

/** Shared by all: most messages are answered by the first node that is asked. */
const NOBODY: ReadonlySet<string> = new Set();

export class Forward implements Link<Forward> {
  readonly sealed: Sealed;
  readonly partition: number;
  /** Chain of its deadline's bucket. */
  previous: Forward | null = null;
  next: Forward | null = null;
  /** Nodes that are not to be asked (again) before all others were. */
  skip: ReadonlySet<string> = NOBODY;
  /** The node that the last one named, which turned it away. */
  preferred: string | null = null;
  /** Nodes that turned this attempt away, or were passed by: after the first one, whoever is asked takes it. */
  hops = 0;
  /** Number of the newest attempt, from 1. */
  attempt = 1;
  /** Monotonic ms when its type was first found to be unknown; null: never. */
  doubtedAt: number | null = null;
  readonly #ways: Ways;
  readonly #sender: Sender;
  readonly #shape: Shape;
  /** Whom the newest attempt is with; null: with nobody, or with this node. */
  #with: string | null = null;
  /** Whether the newest attempt may have been begun by somebody. */
  #begun = false;
  /** There is nobody to ask. */
  #waits = false;
  #settled = false;

  constructor(sealed: Sealed, partition: number, sender: Sender, shape: Shape, ways: Ways) {
    this.sealed = sealed;
    this.partition = partition;
    this.#sender = sender;
    this.#shape = shape;
    this.#ways = ways;
  }

  get deadline(): number {
    return this.sealed.deadline;
  }

  go(): void {
    if (this.#settled) return;
    this.#waits = false;
    const step = this.#ways.next(this);
    switch (step.kind) {
      case "here":
        this.#takeHere();
        return;
      case "there":
        this.#ask(step.member);
        return;
      case "unknown-type":
        this.#fail(
          new PachydermError("UNKNOWN_TYPE", `no node hosts the type ${this.sealed.reference.type}`),
          false,
        );
        return;
      case "stopping":
        this.giveUp();
        return;
      case "nowhere":
        this.#waits = true;
        this.skip = NOBODY; // whoever turned it away may take it the next time
        this.#ways.wait(this);
        return;
    }
  }

  /** The node is connected, and not heard of: it may be frozen, or cut off. Its answer may still come. */
  silent(id: string): void {
    if (this.#with === id) this.#again(id);
  }

  expire(): void {
    const error = this.#waits
      ? new PachydermError("NO_OWNER", "no node that hosts the type could be reached in time")
      : new PachydermError("DEADLINE_EXCEEDED", "the deadline passed before a node answered");
    this.#fail(error, false);
  }

  giveUp(): void {
    this.#fail(new PachydermError("NODE_STOPPING", "this node stopped before there was an answer"), false);
  }

  #ask(member: Member): void {
    const { attempt } = this;
    this.#with = member.id;
    this.#begun = true;
    this.#ways.ask(this, member, (delivery) => this.#delivered(delivery, attempt, member));
  }

  #takeHere(): void {
    const { attempt } = this;
    this.#with = null;
    this.#begun = true;
    const sender: Sender = {
      resolve: (value, recorded) => {
        if (this.#isEnd(attempt, recorded)) this.#resolve(value);
      },
      reject: (error, recorded) => {
        if (this.#isEnd(attempt, recorded)) this.#fail(error, recorded);
      },
    };
    try {
      this.#ways.takeHere(this, sender, this.#shape);
    } catch (thrown) {
      const error = thrown instanceof PachydermError ? thrown : failed("HANDLER_FAILED", thrown);
      if (this.#isEnd(attempt, false)) this.#fail(error, false);
    }
  }

  #delivered(delivery: Delivery, attempt: number, peer: Peer): void {
    if (this.#settled) return;
    switch (delivery.kind) {
      case "answered":
        this.#answered(replyOf(delivery.answer), attempt, peer.id);
        return;
      case "undelivered":
        this.#turnedAway(attempt, peer.id);
        return;
      case "refused": {
        this.#begun = false;
        const code = delivery.why === "full" ? "MAILBOX_FULL" : "TOO_LARGE";
        this.#fail(new PachydermError(code, delivery.reason), false);
        return;
      }
      case "oversized": {
        // No node can show it, so no other is asked: but what was asked for was done.
        const outcome = this.#isGet ? "not-committed" : "unknown";
        this.#fail(new PachydermError("TOO_LARGE", delivery.reason, { outcome }), false);
        return;
      }
      case "lost":
        if (attempt === this.attempt) this.#again(peer.id);
        return;
    }
  }

  #answered(reply: Reply, attempt: number, from: string): void {
    switch (reply.kind) {
      case "ok":
        if (this.#isEnd(attempt, reply.recorded)) this.#resolve(this.#shape(reply.answer, this.sealed));
        return;
      case "error":
        // It stopped before it came to this message: handed on to the next node, like one that it did not take.
        if (reply.error.code === "NODE_STOPPING" && reply.error.outcome === "not-committed") {
          this.#turnedAway(attempt, from);
        } else if (this.#isEnd(attempt, reply.recorded)) {
          this.#fail(reply.error, reply.recorded);
        }
        return;
      case "not-taken":
        if (attempt === this.attempt) this.preferred = reply.to;
        this.#turnedAway(attempt, from);
        return;
      case "let-go":
        if (attempt === this.attempt) this.#again(from);
        return;
    }
  }

  /** Nothing was done with it there: the same attempt, elsewhere. */
  #turnedAway(attempt: number, by: string): void {
    if (attempt !== this.attempt) return;
    this.#begun = false;
    this.#with = null;
    this.hops += 1;
    this.#skip(by);
    this.go();
  }

  /** Nobody knows what became of it there: another attempt, elsewhere. */
  #again(past: string): void {
    if (this.#settled) return;
    this.attempt += 1;
    this.hops = 0;
    this.preferred = null;
    this.#begun = false;
    this.#with = null;
    this.#skip(past);
    this.go();
  }

  #skip(id: string): void {
    this.skip = new Set([...this.skip, id]);
  }

  /** An attempt came to an end: is it the message's? */
  #isEnd(attempt: number, recorded: boolean): boolean {
    if (this.#settled) return false;
    // An end that nothing records, of the newest attempt, is the last that will be heard: `#fail` says that it is unknown.
    return recorded || this.#isGet || this.attempt === 1 || attempt === this.attempt;
  }

  get #isGet(): boolean {
    return this.sealed.message === undefined;
  }

  #resolve(value: unknown): void {
    this.#settle();
    this.#sender.resolve(value, true);
  }

  #fail(error: PachydermError, recorded: boolean): void {
    if (this.#settled) return;
    this.#settle();
    this.#sender.reject(this.#truthful(error, recorded), recorded);
  }

  /** What an attempt says of itself is true of the message only where there is no other, or all will find the same. */
  #truthful(error: PachydermError, recorded: boolean): PachydermError {
    if (this.#isGet || recorded) return error;
    const waits = error.code === "DEADLINE_EXCEEDED" || error.code === "NODE_STOPPING";
    if (!(this.attempt > 1 || (waits && this.#begun)) || error.outcome === "unknown") return error;
    const { code, message, detail, cause } = error;
    return new PachydermError(code, `${message} (another attempt at it may have been handled)`, {
      outcome: "unknown",
      detail,
      cause,
    });
  }

  #settle(): void {
    this.#settled = true;
    this.#ways.settled(this);
  }
}

function replyOf(answer: Parcel): Reply {
  try {
    return readReply(answer);
  } catch (thrown) {
    return { kind: "error", error: failed("HANDLER_FAILED", thrown), recorded: false };
  }
}

function failed(code: ErrorCode, thrown: unknown): PachydermError {
  return new PachydermError(code, "the answer of another node cannot be read", {
    outcome: "unknown",
    cause: thrown,
  });
}
