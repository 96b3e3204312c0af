// The way to one other node: a connection of this node's making, the questions on it, and what is known of the other
// side. A line that went silent is kept, for a frozen node may answer yet, and another connection is tried beside it: TCP
// may take seconds to notice that a black hole has healed.

import type { WebSocket } from "ws";
import type { Clock } from "../ports/clock.ts";
import type { Delivery, Parcel, Peer, PeerState } from "../ports/transport.ts";
import { Connection, type ConnectionLimits } from "./connection.ts";
import type { Item } from "./frame.ts";

export interface LineParts {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  /** Milliseconds without a sign of life after which a connected node counts as silent. */
  readonly silentMs: number;
  readonly dial: (peer: Peer) => Promise<WebSocket>;
  readonly changed: (state: PeerState) => void;
  /** A try to connect was refused, in words. */
  readonly refused: (reason: string) => void;
}

/** A connection that was silent for so long will not speak again, milliseconds. */
const DEAD_MS = 15_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

interface Asked {
  readonly item: Item & { readonly kind: "question" };
  readonly deadline: number;
  /** Null: not on the way yet. */
  on: Connection | null;
  settle(delivery: Delivery): void;
}

export class Line {
  readonly #parts: LineParts;
  /** By number. */
  readonly #asked = new Map<number, Asked>();
  #connection: Connection | null = null;
  /** Silent ones that were replaced, until they end. */
  readonly #old = new Set<Connection>();
  #state: PeerState = "new";
  #number = 0;
  #dialing = false;
  #tries = 0;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.#dial();
  }

  get peer(): Peer {
    return this.#parts.peer;
  }

  get state(): PeerState {
    return this.#state;
  }

  get pending(): number {
    return this.#asked.size;
  }

  ask(parcel: Parcel, deadline: number): Promise<Delivery> {
    if (this.#closed)
      return Promise.resolve({ kind: "undelivered", reason: "this node has closed its lines" });
    if (this.#state === "down") {
      return Promise.resolve({ kind: "undelivered", reason: "there is no connection to the node" });
    }
    const { promise, resolve } = Promise.withResolvers<Delivery>();
    this.#number += 1;
    const number = this.#number;
    const item = { kind: "question", number, parcel } as const;
    const settle = (delivery: Delivery): void => {
      if (this.#asked.delete(number)) resolve(delivery);
    };
    const asked: Asked = { item, deadline, on: null, settle };
    this.#asked.set(number, asked);
    if (this.#connection !== null) this.#say(asked, this.#connection);
    return promise;
  }

  /** Called now and then. @param onTime false: this process was held up, and has not listened either */
  tick(now: number, idleMs: number, onTime: boolean): void {
    for (const asked of this.#asked.values()) if (asked.deadline <= now) this.#giveUp(asked);
    for (const old of this.#old) {
      if (now - old.heardAt > DEAD_MS) old.terminate("silent for too long");
      else if (!this.#isAskedOn(old)) old.terminate("another line has taken its place");
    }
    const connection = this.#connection;
    if (connection === null) return;
    connection.beat(now, idleMs);
    const silence = now - connection.heardAt;
    if (silence <= this.#parts.silentMs) this.#become("up");
    else if (onTime) {
      this.#become("silent");
      this.#dial();
      if (silence > DEAD_MS) connection.terminate("silent for too long");
    }
  }

  #isAskedOn(connection: Connection): boolean {
    for (const { on } of this.#asked.values()) if (on === connection) return true;
    return false;
  }

  /** Ends it, when what was asked has been answered if `gently`. */
  close(reason: string): void {
    this.#closed = true;
    clearTimeout(this.#pause);
    for (const connection of [this.#connection, ...this.#old]) connection?.terminate(reason);
    for (const asked of [...this.#asked.values()]) this.#giveUp(asked);
  }

  #say(asked: Asked, connection: Connection): void {
    const said = connection.say(asked.item);
    if (said === "said") {
      asked.on = connection;
      return;
    }
    const why = said === "full" ? "full" : "size";
    const reason =
      said === "full" ? "too much waits on the way to the node" : "it is larger than a frame may be";
    asked.settle({ kind: "refused", why, reason });
  }

  #giveUp({ on, settle }: Asked): void {
    if (on === null) settle({ kind: "undelivered", reason: "there was no connection in time" });
    else settle({ kind: "lost", reason: "no answer came in time" });
  }

  #dial(): void {
    if (this.#dialing || this.#closed) return;
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#dialing = true;
    this.#parts.dial(this.peer).then(
      (socket) => this.#connected(socket),
      (thrown: Error) => this.#failed(thrown.message),
    );
  }

  #connected(socket: WebSocket): void {
    this.#dialing = false;
    this.#tries = 0;
    if (this.#closed) {
      socket.terminate();
      return;
    }
    const { clock, limits } = this.#parts;
    const connection: Connection = new Connection(socket, clock, limits, {
      heard: (items) => this.#heard(items),
      closed: (reason) => this.#lost(connection, reason),
    });
    if (this.#connection !== null) this.#old.add(this.#connection);
    this.#connection = connection;
    this.#become("up");
    for (const asked of this.#asked.values()) if (asked.on === null) this.#say(asked, connection);
  }

  #failed(reason: string): void {
    this.#dialing = false;
    if (this.#closed) return;
    this.#parts.refused(reason);
    this.#tries += 1;
    if (this.#connection === null) this.#down(reason);
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#tries, 10), LONGEST_PAUSE_MS);
    this.#pause = setTimeout(() => this.#dial(), longest * (0.5 + Math.random() / 2));
    this.#pause.unref();
  }

  #lost(connection: Connection, reason: string): void {
    this.#old.delete(connection);
    for (const asked of [...this.#asked.values()])
      if (asked.on === connection) asked.settle({ kind: "lost", reason });
    if (this.#connection !== connection) return;
    this.#connection = null;
    if (this.#closed) return;
    this.#down(reason);
    this.#dial();
  }

  /** What was not sent yet is free to go elsewhere. */
  #down(reason: string): void {
    this.#become("down");
    for (const asked of [...this.#asked.values()])
      if (asked.on === null) asked.settle({ kind: "undelivered", reason });
  }

  #heard(items: readonly Item[]): void {
    for (const item of items) {
      const asked = this.#asked.get(item.number);
      if (item.kind === "answer") asked?.settle({ kind: "answered", answer: item.parcel });
      else if (item.kind === "too-large")
        asked?.settle({ kind: "lost", reason: "the answer is larger than a frame may be" });
    }
  }

  #become(state: PeerState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#parts.changed(state);
  }
}
