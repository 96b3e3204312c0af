// Makes a law of a sentence and a check, on a network of its own: opens the nodes that it needs, and closes them,
// however it ends.

import assert from "node:assert/strict";
import { newId } from "../../core/reference.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Delivery, Listener, Parcel, Peer, PeerState, Transport } from "../../ports/transport.ts";
import type { Judged, Law } from "../backend.ts";
import { until } from "../until.ts";

/** A node, and what can befall it. */
export interface Opened {
  readonly transport: Transport;
  /** Nothing passes between it and those that ask it, old connections and new, and nothing is lost: as if it were frozen. */
  hold(): void;
  /** What was held passes. */
  release(): void;
  /** Ends as by SIGKILL: connections are reset, and new ones refused. */
  kill(): Promise<void>;
}

export interface OpenOptions {
  readonly id: string;
  /** Null: a node that only asks. */
  readonly listener: Listener | null;
  /** An address that a node of this network had, which was killed or closed. */
  readonly at?: string | undefined;
  readonly maxFrameBytes: number;
  readonly maxWaitingBytes: number;
}

export interface TransportBackend extends Judged {
  /** The clock that the transports were given: deadlines are by it. */
  readonly clock: Clock;
  /** Another node of a network. Laws close what they open. */
  open(network: string, options: OpenOptions): Promise<Opened>;
  /** `host:port` where nobody is. */
  nobody(network: string): Promise<string>;
}

/** Long enough for any peer that is alive; a law about deadlines sets its own. */
export const CALL_MS = 10_000;
export const FRAME_BYTES = 65_536;
export const WAITING_BYTES = 262_144;

/** Says what it was asked. */
export const echo: Listener = (question, answer) => answer(question);

/** A node as the laws use it. */
export class Node {
  readonly id: string;
  readonly opened: Opened;
  readonly #clock: Clock;
  /** What it was told of its peers, by their ids. */
  readonly told: { readonly id: string; readonly state: PeerState }[] = [];

  constructor(id: string, opened: Opened, clock: Clock) {
    this.id = id;
    this.opened = opened;
    this.#clock = clock;
    opened.transport.onState(({ id: peer }, state) => this.told.push({ id: peer, state }));
  }

  get transport(): Transport {
    return this.opened.transport;
  }

  get peer(): Peer {
    return { id: this.id, address: this.transport.address ?? assert.fail("it only asks") };
  }

  deadline(ms = CALL_MS): number {
    return this.#clock.monotonicMs() + ms;
  }

  ask(to: Node | Peer, question: Parcel, ms = CALL_MS): Promise<Delivery> {
    const peer = to instanceof Node ? to.peer : to;
    return new Promise((resolve) => this.transport.ask(peer, question, this.deadline(ms), resolve));
  }

  /** Asks, and must be answered. */
  async answerOf(to: Node | Peer, question: Parcel): Promise<Parcel> {
    return answerOf(await this.ask(to, question));
  }

  state(of: Node | Peer): PeerState {
    return this.transport.state(of instanceof Node ? of.peer : of);
  }

  async untilState(of: Node | Peer, ...states: readonly PeerState[]): Promise<void> {
    await until(`the peer is ${states.join(" or ")}`, async () => states.includes(this.state(of)));
  }

  statesOf({ id }: Peer): readonly PeerState[] {
    return this.told.filter((one) => one.id === id).map(({ state }) => state);
  }
}

export class Stage {
  readonly backend: TransportBackend;
  readonly network = `law-${newId().slice(-12)}`;
  readonly #nodes: Node[] = [];

  constructor(backend: TransportBackend) {
    this.backend = backend;
  }

  async open(
    listener: Listener | null = echo,
    { id = newId(), at }: { readonly id?: string; readonly at?: string } = {},
  ): Promise<Node> {
    const limits = { maxFrameBytes: FRAME_BYTES, maxWaitingBytes: WAITING_BYTES };
    const opened = await this.backend.open(this.network, { id, listener, at, ...limits });
    const node = new Node(id, opened, this.backend.clock);
    this.#nodes.push(node);
    return node;
  }

  async close(): Promise<void> {
    for (const node of this.#nodes) node.opened.release();
    await Promise.all(this.#nodes.map((node) => node.transport.close(node.deadline(0))));
  }
}

/** A listener that answers nothing by itself. */
export class Desk {
  readonly questions: { readonly question: Parcel; readonly answer: (answer: Parcel) => void }[] = [];

  readonly listener: Listener = (question, answer) => {
    this.questions.push({ question, answer });
  };

  async until(count: number): Promise<void> {
    await until(`${count} questions have arrived`, async () => this.questions.length >= count);
  }

  answer(i: number, answer: Parcel): void {
    (this.questions[i] ?? assert.fail(`only ${this.questions.length} questions came`)).answer(answer);
  }
}

export function answerOf(delivery: Delivery): Parcel {
  return delivery.kind === "answered" ? delivery.answer : assert.fail(JSON.stringify(delivery));
}

export function law(name: string, run: (asker: Node, stage: Stage) => Promise<void>): Law<TransportBackend> {
  return {
    name,
    async check({ backend }) {
      const stage = new Stage(backend);
      try {
        await run(await stage.open(), stage);
      } finally {
        await stage.close();
      }
    },
  };
}
