// What one node of this process asks of another, and knows of it. The same states and ends as wire/line.ts has.

import type { Clock } from "../ports/clock.ts";
import type { Delivery, Parcel, Peer, PeerState } from "../ports/transport.ts";
import type { MemoryExchange } from "./exchange.ts";
import { Way } from "./way.ts";

export interface MemoryLineParts {
  /** The asker's id. */
  readonly from: string;
  readonly peer: Peer;
  readonly exchange: MemoryExchange;
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  readonly maxWaitingBytes: number;
  readonly silentMs: number;
  readonly changed: (state: PeerState) => void;
}

interface Asked {
  /** As it would be on a wire: what comes out is nobody else's. */
  readonly question: string;
  readonly bytes: number;
  readonly deadline: number;
  /** Null: not on the way yet. */
  on: Way | null;
  settle(delivery: Delivery): void;
}

export const CLOSED: Delivery = { kind: "undelivered", reason: "this node has closed its lines" };

const NO_CONNECTION: Delivery = { kind: "undelivered", reason: "there is no connection to the node" };

export class MemoryLine {
  readonly #parts: MemoryLineParts;
  readonly #asked = new Set<Asked>();
  #way: Way | null = null;
  #state: PeerState = "new";
  /** Monotonic ms: when the other side was last heard of, or the making of a connection began. */
  #since: number;
  #closed = false;

  constructor(parts: MemoryLineParts) {
    this.#parts = parts;
    this.#since = parts.clock.monotonicMs();
    setImmediate(() => this.#connect());
  }

  get state(): PeerState {
    return this.#state;
  }

  get pending(): number {
    return this.#asked.size;
  }

  ask(question: Parcel, deadline: number, settle: (delivery: Delivery) => void): void {
    if (this.#closed || this.#state === "down") {
      queueMicrotask(() => settle(this.#closed ? CLOSED : NO_CONNECTION));
      return;
    }
    const text = JSON.stringify(question);
    const settleOnce = (delivery: Delivery): void => {
      if (this.#asked.delete(asked)) queueMicrotask(() => settle(delivery));
    };
    const asked: Asked = {
      question: text,
      bytes: Buffer.byteLength(text),
      deadline,
      on: null,
      settle: settleOnce,
    };
    this.#asked.add(asked);
    if (this.#way !== null) this.#say(asked, this.#way);
  }

  /** Called now and then. */
  tick(now: number): void {
    for (const asked of this.#asked) if (asked.deadline <= now) giveUp(asked);
    if (this.#way === null) {
      this.#connect();
      return;
    }
    if (this.#way.flows) this.#since = now;
    this.#become(now - this.#since > this.#parts.silentMs ? "silent" : "up");
  }

  close(reason: string): void {
    this.#closed = true;
    this.#way?.reset(reason);
    for (const asked of this.#asked) giveUp(asked);
  }

  #connect(): void {
    if (this.#closed || this.#way !== null) return;
    const { exchange, peer, from, clock, silentMs } = this.#parts;
    const now = clock.monotonicMs();
    if (!exchange.flows(from, peer.id)) {
      if (now - this.#since > silentMs) this.#down("it did not answer in time");
      return;
    }
    this.#since = now;
    const end = exchange.at(peer.address);
    if (end === undefined) {
      this.#down(`nobody is at ${peer.address}`);
      return;
    }
    if (end.id !== peer.id) {
      this.#down(`the node ${peer.id} is not here any more`);
      return;
    }
    const way: Way = new Way(exchange, from, end, (reason) => this.#lost(way, reason));
    this.#way = way;
    this.#become("up");
    for (const asked of this.#asked) if (asked.on === null) this.#say(asked, way);
  }

  #say(asked: Asked, way: Way): void {
    const { maxFrameBytes, maxWaitingBytes } = this.#parts;
    if (asked.bytes > maxFrameBytes) {
      asked.settle({ kind: "refused", why: "size", reason: "it is larger than a frame may be" });
    } else if (way.there.bytes + asked.bytes > maxWaitingBytes) {
      asked.settle({ kind: "refused", why: "full", reason: "too much waits on the way to the node" });
    } else {
      asked.on = way;
      way.there.push(asked.bytes, () => this.#arrive(asked, way));
    }
  }

  /** At the other side. */
  #arrive(asked: Asked, way: Way): void {
    let answered = false;
    way.end.listener(JSON.parse(asked.question) as Parcel, (answer) => {
      if (answered || way.isOver) return;
      answered = true;
      const text = JSON.stringify(answer);
      const bytes = Buffer.byteLength(text);
      const { maxFrameBytes, maxWaitingBytes } = this.#parts;
      const delivery: Delivery =
        bytes > maxFrameBytes
          ? { kind: "oversized", reason: "the answer is larger than a frame may be" }
          : { kind: "answered", answer: JSON.parse(text) as Parcel };
      if (way.back.bytes + bytes > maxWaitingBytes) way.reset("the node does not read its answers");
      else way.back.push(bytes, () => asked.settle(delivery));
    });
  }

  #lost(way: Way, reason: string): void {
    for (const asked of this.#asked) if (asked.on === way) asked.settle({ kind: "lost", reason });
    this.#way = null;
    this.#since = this.#parts.clock.monotonicMs();
    if (!this.#closed) this.#down(reason);
  }

  /** What was not sent yet is free to go elsewhere. */
  #down(reason: string): void {
    this.#become("down");
    for (const asked of this.#asked) if (asked.on === null) asked.settle({ kind: "undelivered", reason });
  }

  #become(state: PeerState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#parts.changed(state);
  }
}

function giveUp({ on, settle }: Asked): void {
  if (on === null) settle({ kind: "undelivered", reason: "there was no connection in time" });
  else settle({ kind: "lost", reason: "no answer came in time" });
}
