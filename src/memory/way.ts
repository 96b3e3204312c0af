// A connection from one node of this process to another: what is said in one turn of the loop arrives in the next, in
// its order, unless the exchange holds it.

import type { End, MemoryExchange, Route } from "./exchange.ts";

interface Parcelled {
  readonly bytes: number;
  readonly arrive: () => void;
}

/** One direction. */
class Lane {
  #waiting: Parcelled[] = [];
  #bytes = 0;
  #due = false;
  readonly #isOpen: () => boolean;

  constructor(isOpen: () => boolean) {
    this.#isOpen = isOpen;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(bytes: number, arrive: () => void): void {
    this.#waiting.push({ bytes, arrive });
    this.#bytes += bytes;
    this.flow();
  }

  flow(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => this.#pass());
  }

  empty(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  #pass(): void {
    this.#due = false;
    if (!this.#isOpen()) return;
    const passing = this.#waiting;
    this.empty();
    for (const { arrive } of passing) arrive();
  }
}

export class Way implements Route {
  readonly from: string;
  readonly to: string;
  readonly end: End;
  readonly there: Lane;
  readonly back: Lane;
  readonly #exchange: MemoryExchange;
  readonly #lost: (reason: string) => void;
  #isOver = false;

  /** @param lost called once, however it ended */
  constructor(exchange: MemoryExchange, from: string, end: End, lost: (reason: string) => void) {
    this.#exchange = exchange;
    this.from = from;
    this.to = end.id;
    this.end = end;
    this.#lost = lost;
    const isOpen = (): boolean => !this.#isOver && exchange.flows(this.from, this.to);
    this.there = new Lane(isOpen);
    this.back = new Lane(isOpen);
    exchange.open(this);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get flows(): boolean {
    return this.#exchange.flows(this.from, this.to);
  }

  flow(): void {
    this.there.flow();
    this.back.flow();
  }

  reset(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#exchange.ended(this);
    this.there.empty();
    this.back.empty();
    this.#lost(reason);
  }
}
