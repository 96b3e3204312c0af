// A trusted node on a connection of its making: its questions go to the listener, the answers back.

import { reasonOf } from "../core/errors.ts";
import type { Listener } from "../ports/transport.ts";
import type { Connection, ConnectionEvents, ConnectionLimits } from "./connection.ts";
import type { Item } from "./frame.ts";

export interface GuestParts {
  readonly limits: ConnectionLimits;
  /** Questions being answered at once; more are not read. Their bytes may be as many as may wait on the way. */
  readonly maxAsked: number;
  readonly listener: Listener;
  readonly connect: (events: ConnectionEvents) => Connection;
  /** A question was taken, or answered. */
  readonly asked: () => void;
  readonly answered: () => void;
  readonly left: (reason: string, broken: boolean) => void;
}

type Question = Item & { readonly kind: "question" };

export class Guest {
  readonly connection: Connection;
  readonly #parts: GuestParts;
  #asked = 0;
  #askedBytes = 0;

  constructor(parts: GuestParts) {
    this.#parts = parts;
    this.connection = parts.connect({
      heard: (items, bytes) => this.#heard(items, bytes),
      closed: (reason, broken) => parts.left(reason, broken),
      others: () => this.#asked,
    });
  }

  #heard(items: readonly Item[], bytes: number): void {
    // Of the frame's: which of them is the large one matters to nobody.
    const size = Math.ceil(bytes / items.length);
    for (const item of items) if (item.kind === "question") this.#take(item, size);
    if (this.#isAbove(1)) this.connection.pause();
  }

  #isAbove(share: number): boolean {
    const { maxAsked, limits } = this.#parts;
    return this.#asked >= maxAsked * share || this.#askedBytes >= limits.maxWaitingBytes * share;
  }

  #take(question: Question, size: number): void {
    const { number } = question;
    let isAnswered = false;
    this.#asked += 1;
    this.#askedBytes += size;
    this.#parts.asked();
    try {
      this.#parts.listener(question.parcel, (parcel) => {
        if (isAnswered) return;
        isAnswered = true;
        this.#done(size);
        this.#say({ kind: "answer", number, parcel });
        this.#parts.answered();
      });
    } catch (thrown) {
      // It never throws, by its contract; if it does, that costs its asker this connection, and nobody the node.
      this.connection.terminate(`a question could not be taken: ${reasonOf(thrown)}`);
      if (isAnswered) return;
      isAnswered = true;
      this.#done(size);
      this.#parts.answered();
    }
  }

  #done(size: number): void {
    this.#asked -= 1;
    this.#askedBytes -= size;
    if (this.connection.isPaused && !this.#isAbove(0.5)) this.connection.resume();
  }

  #say(answer: Item & { readonly kind: "answer" }): void {
    const { number } = answer;
    let said = this.connection.say(answer);
    if (said === "too-large") said = this.connection.say({ kind: "too-large", number });
    // The asker does not read what it asked for; whatever else it asked is lost with this, and tried elsewhere.
    if (said === "full") this.connection.terminate("the node does not read its answers");
  }
}
