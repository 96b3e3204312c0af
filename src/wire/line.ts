// The way to one other node: a connection of this node's making, the questions on it, and what is known of the other
// side. A line that went silent is kept, for a frozen node may answer yet, and another connection is tried beside it: TCP
// may take seconds to notice that a black hole has healed.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Clock } from "../ports/clock.ts";
import type { Delivery, Parcel, Peer, PeerState } from "../ports/transport.ts";
import { Connection, type ConnectionLimits } from "./connection.ts";
import type { Connect, Dialed } from "./dial.ts";
import type { Item } from "./frame.ts";
import { Numbered } from "./numbered.ts";

export interface LineParts {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  /** Milliseconds without a sign of life after which a connected node counts as silent. */
  readonly silentMs: number;
  /** Milliseconds that a try to connect may take. */
  readonly dialMs: number;
  /** @param ms how long to try */
  readonly dial: (ms: number, connect: Connect<Connection>) => Promise<Dialed<Connection>>;
  readonly changed: (state: PeerState) => void;
  /** The peer does not want us, or is not what it should be. */
  readonly refused: (reason: string) => void;
}

/** A connection that was silent for so long will not speak again, milliseconds. */
const DEAD_MS = 15_000;
const GOOD_BYE_MS = 100;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;
/** Each so manieth try is so many times as long. */
const LONG_TRY = 4;

type Question = Item & { readonly kind: "question" };
type Settle = (delivery: Delivery) => void;

interface Asked {
  readonly number: number;
  readonly item: Question;
  readonly deadline: number;
  readonly settle: Settle;
  /** Null: not on the way yet. */
  on: Connection | null;
}

export class Line {
  readonly #parts: LineParts;
  readonly #asked = new Numbered<Asked>();
  #connection: Connection | null = null;
  /** Silent ones that were replaced, until they end. */
  readonly #old = new Set<Connection>();
  #state: PeerState = "new";
  #number = 0;
  /** Monotonic ms when the try that is under way began; null: there is none. */
  #dialedAt: number | null = null;
  #connectedAt = 0;
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

  ask(parcel: Parcel, deadline: number, settle: Settle): void {
    if (this.#closed || this.#state === "down") {
      const reason = this.#closed ? "this node has closed its lines" : "there is no connection to the node";
      settleSoon(settle, { kind: "undelivered", reason });
      return;
    }
    this.#number += 1;
    const number = this.#number;
    const asked: Asked = { number, item: { kind: "question", number, parcel }, deadline, settle, on: null };
    this.#asked.add(asked);
    if (this.#connection !== null) this.#say(asked, this.#connection);
  }

  /** Called now and then. @param lateMs for so long this process was held up, and has not listened */
  tick(now: number, idleMs: number, lateMs: number): void {
    for (const asked of this.#asked.all()) if (asked.deadline <= now) this.#giveUp(asked);
    this.#letGo(now);
    const { silentMs, dialMs } = this.#parts;
    const connection = this.#connection;
    if (connection === null) {
      if (this.#dialedAt !== null) this.#dialedAt += lateMs;
      if (this.#dialedAt !== null && now - this.#dialedAt > dialMs) this.#down("it did not answer in time");
      return;
    }
    connection.excuse(lateMs);
    connection.beat(now, idleMs);
    const silence = now - connection.heardAt;
    if (silence <= silentMs) {
      this.#become("up");
      return;
    }
    this.#become("silent");
    this.#dial();
    if (silence > DEAD_MS) connection.terminate("silent for too long");
  }

  /** What is under way is given up at once. Resolves when the other side has heard of it, or has not in time. */
  async close(reason: string): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#pause);
    for (const asked of this.#asked.all()) this.#giveUp(asked);
    const all = [this.#connection, ...this.#old].map((connection) => connection?.leave(reason, GOOD_BYE_MS));
    await Promise.all(all);
  }

  /** Those that were replaced, when nothing is to be expected of them: healed ones would stay for ever. */
  #letGo(now: number): void {
    if (this.#old.size === 0) return;
    const used = new Set(this.#asked.all().map(({ on }) => on));
    for (const old of this.#old)
      if (!used.has(old) || now - old.heardAt > DEAD_MS) old.terminate("another connection has replaced it");
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
    this.#end(asked, { kind: "refused", why, reason });
  }

  #giveUp(asked: Asked): void {
    if (asked.on === null)
      this.#end(asked, { kind: "undelivered", reason: "there was no connection in time" });
    else this.#end(asked, { kind: "lost", reason: "no answer came in time" });
  }

  /** However it ended but by an answer: its asker hears of it when this line knows all that has happened. */
  #end({ number, settle }: Asked, delivery: Delivery): void {
    if (this.#asked.delete(number)) settleSoon(settle, delivery);
  }

  #dial(): void {
    if (this.#dialedAt !== null || this.#closed) return;
    clearTimeout(this.#pause);
    this.#pause = undefined;
    const { clock, dialMs, dial } = this.#parts;
    this.#dialedAt = clock.monotonicMs();
    // A short try finds soon that a black hole has healed; now and then a long one, for a node that is slow to answer.
    const ms = this.#tries % LONG_TRY === LONG_TRY - 1 ? dialMs * LONG_TRY : dialMs;
    dial(ms, (socket, bytes) => this.#connected(socket, bytes)).then((dialed) => {
      if (dialed.kind !== "connected") this.#failed(dialed);
    });
  }

  #connected(socket: WebSocket, bytes: Duplex): Connection {
    const { clock, limits } = this.#parts;
    const connection: Connection = new Connection(socket, bytes, clock, limits, {
      heard: (items) => this.#heard(items, connection),
      closed: (reason) => this.#lost(connection, reason),
      others: (items) => this.#asked.size - items,
    });
    this.#dialedAt = null;
    if (this.#closed) {
      connection.terminate("this node has closed its lines");
      return connection;
    }
    this.#connectedAt = clock.monotonicMs();
    if (this.#connection !== null) this.#old.add(this.#connection);
    this.#connection = connection;
    this.#become("up");
    for (const asked of this.#asked.all()) if (asked.on === null) this.#say(asked, connection);
    return connection;
  }

  #failed({ kind, reason }: Exclude<Dialed<Connection>, { kind: "connected" }>): void {
    this.#dialedAt = null;
    if (this.#closed) return;
    if (kind === "refused") this.#parts.refused(reason);
    if (this.#connection === null) this.#down(reason);
    this.#dialLater();
  }

  #dialLater(): void {
    this.#tries += 1;
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#tries, 10), LONGEST_PAUSE_MS);
    this.#pause = setTimeout(() => this.#dial(), longest * (0.5 + Math.random() / 2));
    this.#pause.unref();
  }

  #lost(connection: Connection, reason: string): void {
    this.#old.delete(connection);
    for (const asked of this.#asked.all())
      if (asked.on === connection) this.#end(asked, { kind: "lost", reason });
    if (this.#connection !== connection) return;
    this.#connection = null;
    if (this.#closed) return;
    this.#down(reason);
    // One that lets us in and cuts us off at once would be dialed without end.
    if (this.#parts.clock.monotonicMs() - this.#connectedAt < LONGEST_PAUSE_MS) {
      this.#dialLater();
    } else {
      this.#tries = 0;
      this.#dial();
    }
  }

  /** What was not sent yet is free to go elsewhere. */
  #down(reason: string): void {
    this.#become("down");
    for (const asked of this.#asked.all())
      if (asked.on === null) this.#end(asked, { kind: "undelivered", reason });
  }

  #heard(items: readonly Item[], connection: Connection): void {
    for (const item of items) {
      const asked = this.#asked.get(item.number);
      if (asked?.on !== connection || item.kind === "question") continue; // too late, or none that was asked there
      this.#asked.delete(item.number);
      if (item.kind === "answer") asked.settle({ kind: "answered", answer: item.parcel });
      else asked.settle({ kind: "oversized", reason: "the answer is larger than a frame may be" });
    }
  }

  #become(state: PeerState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#parts.changed(state);
  }
}

function settleSoon(settle: Settle, delivery: Delivery): void {
  queueMicrotask(() => settle(delivery));
}
