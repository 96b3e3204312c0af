// What the nodes of one process have in place of a network: who is where, and which ways are open.

import type { Listener } from "../ports/transport.ts";

/** A node that can be asked. */
export interface End {
  readonly id: string;
  readonly listener: Listener;
}

/** Something that goes by this exchange, and must hear of what befalls it. */
export interface Route {
  readonly from: string;
  readonly to: string;
  /** What was held goes on. */
  flow(): void;
  /** As if the network had reset it. */
  reset(reason: string): void;
}

export class MemoryExchange {
  readonly #ends = new Map<string, End>();
  readonly #routes = new Set<Route>();
  /** Pairs of ids between which nothing passes. */
  readonly #held = new Set<string>();

  /** @throws Error if somebody is there */
  take(address: string, end: End): void {
    if (this.#ends.has(address)) throw new Error(`there is a node at ${address}`);
    this.#ends.set(address, end);
  }

  /** The node is not there any more; connections that there are last. */
  leave(address: string, id: string): void {
    if (this.#ends.get(address)?.id === id) this.#ends.delete(address);
  }

  at(address: string): End | undefined {
    return this.#ends.get(address);
  }

  open(route: Route): void {
    this.#routes.add(route);
  }

  ended(route: Route): void {
    this.#routes.delete(route);
  }

  flows(one: string, other: string): boolean {
    return !this.#held.has(pairOf(one, other));
  }

  /** Nothing passes between the two, in either direction, and nothing is lost: as where cables are out. */
  hold(one: string, other: string): void {
    this.#held.add(pairOf(one, other));
  }

  /** What was held passes, in its order. */
  release(one: string, other: string): void {
    this.#held.delete(pairOf(one, other));
    for (const route of this.#between(one, other)) route.flow();
  }

  /** Ends the connections between the two; what was on them is lost. New ones can be made. */
  reset(one: string, other: string): void {
    for (const route of this.#between(one, other)) route.reset("the connection was reset");
  }

  /** Ends all connections of a node, as its death does. */
  resetAll(id: string): void {
    for (const route of [...this.#routes])
      if (route.from === id || route.to === id) route.reset("the connection was reset");
  }

  #between(one: string, other: string): readonly Route[] {
    const pair = pairOf(one, other);
    return [...this.#routes].filter(({ from, to }) => pairOf(from, to) === pair);
  }
}

function pairOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
