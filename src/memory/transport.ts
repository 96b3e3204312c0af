// Frames from node to node, where all nodes are of this process. Twin of wire/transport.ts.

import type { Clock } from "../ports/clock.ts";
import type { Delivery, Listener, Parcel, Peer, PeerState, Transport } from "../ports/transport.ts";
import type { MemoryExchange } from "./exchange.ts";
import { CLOSED, MemoryLine } from "./line.ts";

export interface MemoryTransportOptions {
  /** This node's id. */
  readonly id: string;
  /** Where the others find it; null: this node only asks. */
  readonly address: string | null;
  /** Other transports with the same one are other nodes. */
  readonly exchange: MemoryExchange;
  /** Bytes of the largest question or answer. Default 16 MiB. */
  readonly maxFrameBytes?: number;
  /** Bytes that may wait on the way to one peer. Default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /** Milliseconds between looks at the peers. Default 100. */
  readonly heartbeatMs?: number;
  /** Milliseconds without a sign of life after which a peer counts as silent. Default 500. */
  readonly silentMs?: number;
}

const MIB = 1_048_576;

export class MemoryTransport implements Transport {
  readonly address: string | null;
  readonly #options: MemoryTransportOptions;
  readonly #clock: Clock;
  readonly #lines = new Map<string, MemoryLine>();
  readonly #ticker: NodeJS.Timeout;
  #told: (peer: Peer, state: PeerState) => void = () => {};
  #closed = false;
  /** Questions that this node has not answered yet. */
  #answering = 0;
  #idle: (() => void) | null = null;

  /** @throws Error if another node is at the address */
  constructor(options: MemoryTransportOptions, listener: Listener, clock: Clock) {
    const { id, address, exchange, heartbeatMs = 100 } = options;
    this.#options = options;
    this.#clock = clock;
    this.address = address;
    const counted: Listener = (question, answer) => this.#asked(listener, question, answer);
    if (address !== null) exchange.take(address, { id, listener: counted });
    this.#ticker = setInterval(() => this.#tick(), heartbeatMs);
    this.#ticker.unref();
  }

  ask(peer: Peer, question: Parcel, deadline: number, settle: (delivery: Delivery) => void): void {
    if (this.#closed) queueMicrotask(() => settle(CLOSED));
    else this.#lineTo(peer).ask(question, deadline, settle);
  }

  state(peer: Peer): PeerState {
    return this.#lines.get(nameOf(peer))?.state ?? "new";
  }

  onState(listener: (peer: Peer, state: PeerState) => void): void {
    this.#told = listener;
  }

  keep(peers: readonly Peer[]): void {
    if (this.#closed) return;
    const kept = new Set(peers.map(nameOf));
    for (const [name, line] of this.#lines) {
      if (kept.has(name) || line.pending > 0) continue;
      this.#lines.delete(name);
      line.close("the node is not of the network any more");
    }
    for (const peer of peers) this.#lineTo(peer);
  }

  async close(deadline: number): Promise<void> {
    const { exchange, id } = this.#options;
    if (!this.#closed && this.address !== null) exchange.leave(this.address, id);
    this.#closed = true;
    const ms = deadline - this.#clock.monotonicMs();
    if (this.#answering > 0 && ms > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    await new Promise((resolve) => setImmediate(resolve)); // what was answered last is on its way
    clearInterval(this.#ticker);
    for (const line of this.#lines.values()) line.close("this node has stopped");
    this.#lines.clear();
    exchange.resetAll(id);
  }

  #asked(listener: Listener, question: Parcel, answer: (answer: Parcel) => void): void {
    let answered = false;
    this.#answering += 1;
    listener(question, (parcel) => {
      if (answered) return;
      answered = true;
      answer(parcel);
      this.#answering -= 1;
      if (this.#answering === 0) this.#idle?.();
    });
  }

  #lineTo(peer: Peer): MemoryLine {
    const found = this.#lines.get(nameOf(peer));
    if (found !== undefined) return found;
    const { id, exchange, maxFrameBytes = 16 * MIB, maxWaitingBytes = 64 * MIB } = this.#options;
    const line = new MemoryLine({
      from: id,
      peer,
      exchange,
      clock: this.#clock,
      maxFrameBytes,
      maxWaitingBytes,
      silentMs: this.#options.silentMs ?? 500,
      changed: (state) => this.#told(peer, state),
    });
    this.#lines.set(nameOf(peer), line);
    return line;
  }

  #tick(): void {
    const now = this.#clock.monotonicMs();
    for (const line of this.#lines.values()) line.tick(now);
  }
}

function nameOf({ id, address }: Peer): string {
  return `${id} ${address}`;
}
