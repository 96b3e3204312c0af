// Frames from node to node. It carries, and says what it knows of what became of them; whom to ask, and what to do
// when nobody answers, is the engine's. Twins in memory/ and wire/, laws in laws/.

import type { Json } from "../core/json.ts";

/**
 * What is asked or answered: a list of plain JSON. Whoever gave one does not change it any more. What comes out is nobody
 * else's, and only as sound as `JSON.parse` makes it: core/json.ts has what looks further.
 */
export type Parcel = readonly Json[];

/** Whom to ask: the node's id as well, for another one may have its address by now. */
export interface Peer {
  readonly id: string;
  /** `host:port` */
  readonly address: string;
}

export type Delivery =
  | { readonly kind: "answered"; readonly answer: Parcel }
  /** The peer has certainly not seen it: no connection, another node there, refused at the handshake. */
  | { readonly kind: "undelivered"; readonly reason: string }
  /** Nothing was sent, because too much waits on the way to this peer already (or it is larger than a frame may be: `size`). */
  | { readonly kind: "refused"; readonly why: "full" | "size"; readonly reason: string }
  /** It was put on the way, and the connection ended before an answer: it may have been handled. */
  | { readonly kind: "lost"; readonly reason: string }
  /** It was answered, and the answer is larger than a frame may be: so it will be whoever is asked, and however often. */
  | { readonly kind: "oversized"; readonly reason: string };

/**
 * `up`: heard of within the time of silence. `silent`: connected, and not heard of since; it may be frozen, cut off, or
 * slow. `down`: no connection, and the last try to make one failed. `new`: nothing was asked of it yet, or the first
 * connection is being made.
 */
export type PeerState = "new" | "up" | "silent" | "down";

/** What a node does with what it is asked. `answer` is called once, now or later; never throws. */
export type Listener = (question: Parcel, answer: (answer: Parcel) => void) => void;

/** One node's end of all lines. */
export interface Transport {
  /** `host:port` where this node takes frames; null: it does not (a pure sender). */
  readonly address: string | null;

  /**
   * Asks a peer. Connects where there is no connection.
   *
   * Guarantee: a question reaches its listener at most once; an answer is that of the question; questions that go by
   * one connection arrive in the order in which they were asked. Silence does not end a question: a peer that was frozen
   * may still answer.
   * Fails with: values only; never throws. `settle` is called once, and never before this returns: when the peer answers,
   * when the connection ends, or with `lost` (`undelivered` where nothing was sent) when `deadline` (monotonic ms) has
   * passed. A function and not a promise: each send to another node comes by here, and a promise would be a third of what
   * that costs its sender.
   */
  ask(peer: Peer, question: Parcel, deadline: number, settle: (delivery: Delivery) => void): void;

  /** What is known of a peer now, without asking it. */
  state(peer: Peer): PeerState;

  /** Called whenever a peer's state has changed, once each time. One listener at a time: the last one given. */
  onState(listener: (peer: Peer, state: PeerState) => void): void;

  /**
   * These are the peers from now on. Each is connected to, and again whenever its connection has ended. One that is not
   * named is let go, by this call or, if something is under way to it, by the first one after that has ended: its
   * connection ends, and its state is `new`.
   */
  keep(peers: readonly Peer[]): void;

  /**
   * Asks nobody any more, and lets in nobody new. What is asked of it by those that are in goes to the listener until
   * all is answered, or `deadline` (monotonic ms) has passed. Then all connections end, and what is under way is settled.
   */
  close(deadline: number): Promise<void>;
}
