// Frames from node to node. It carries, and says what it knows of what became of them; whom to ask, and what to do
// when nobody answers, is the engine's. Twins in memory/ and wire/, laws in laws/.

/** What is asked or answered: a flat list, so that checking what came from outside is one look at each. */
export type Parcel = readonly (string | number | boolean | null)[];

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
  | { readonly kind: "lost"; readonly reason: string };

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
   * Guarantee: a question reaches its listener at most once; an answer is that of the question. Silence does not end a
   * question: a peer that was frozen may still answer.
   * Fails with: values only; never throws. Settles when the peer answers, when the connection ends, or as `lost`
   * (`undelivered` where nothing was sent) when `deadline` (monotonic ms) has passed.
   */
  ask(peer: Peer, question: Parcel, deadline: number): Promise<Delivery>;

  /** What is known of a peer now, without asking it. */
  state(peer: Peer): PeerState;

  /** Called whenever a peer's state has changed. One listener at a time. */
  onState(listener: (peer: Peer, state: PeerState) => void): void;

  /** Peers that are not named any more are let go: their connections end when nothing is under way on them. */
  keep(peers: readonly Peer[]): void;

  /** Takes nothing new, lets what is asked of this node be answered until `deadline`, then ends all connections. */
  close(deadline: number): Promise<void>;
}
