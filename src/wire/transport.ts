// Frames from node to node, over WebSockets. Twin of memory/transport.ts. docs/wire.md has the whole of it.

import { isIP } from "node:net";
import { PachydermError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Delivery, Listener, Parcel, Peer, PeerState, Transport } from "../ports/transport.ts";
import type { ConnectionLimits } from "./connection.ts";
import { dial, type Identity } from "./dial.ts";
import { Door } from "./door.ts";
import { Line } from "./line.ts";
import { Reports } from "./reports.ts";

export interface TransportOptions {
  /** This node's id. */
  readonly id: string;
  readonly network: string;
  /** Version of what is said in the frames. */
  readonly protocol: number;
  /** Where to take frames; port 0: the system chooses. Null: this node only asks. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  /** `host:port` where the others reach this node, if that is not where it listens. */
  readonly advertise?: string | undefined;
  /** The first one is proved with, any of them is accepted. */
  readonly secrets: readonly string[];
  /** PEM texts: each side checks the other's certificate. */
  readonly tls?: Identity["tls"];
  /** Bytes of one frame, the largest message and what is around it. Default 16 MiB. */
  readonly maxFrameBytes?: number;
  /** Bytes that may wait on the way to one peer. Default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /** Milliseconds between signs of life. Default 100. */
  readonly heartbeatMs?: number;
  /** Milliseconds without a sign of life after which a peer counts as silent. Default 500. */
  readonly silentMs?: number;
  /** Milliseconds until a peer counts as down that is being connected to. Default 500. */
  readonly dialMs?: number;
  /** Milliseconds that a stranger has to prove itself. Default 5,000. */
  readonly handshakeMs?: number;
  /** Connections of strangers at once. Default 64. */
  readonly maxStrangers?: number;
  /** Questions of one connection being answered at once. Default 16,384. */
  readonly maxAsked?: number;
  /** A line for whoever runs the node: a stranger was shut out, a peer refused us. Without payloads and secrets. */
  readonly report?: (line: string) => void;
}

const MIB = 1_048_576;

/** @throws PachydermError INVALID_OPTIONS: the address is open to others without a secret or TLS, or cannot be had */
export async function openTransport(
  options: TransportOptions,
  listener: Listener,
  clock: Clock,
): Promise<WireTransport> {
  const { id, network, protocol, secrets, tls, listen, advertise } = options;
  const reports = new Reports(options.report ?? (() => {}), clock);
  const report = (line: string): void => reports.say(line);
  const self: Identity = { id, network, protocol, secrets, tls };
  const limits = {
    maxFrameBytes: options.maxFrameBytes ?? 16 * MIB,
    maxWaitingBytes: options.maxWaitingBytes ?? 64 * MIB,
  };
  if (listen === null) return new WireTransport(options, self, limits, clock, report, null, null);
  if (!isLoopback(listen.host) && secrets.length === 0 && tls === undefined) {
    const message = `${listen.host} can be reached by others: give cluster.secret (or cluster.tls), or listen at 127.0.0.1`;
    throw new PachydermError("INVALID_OPTIONS", message);
  }
  const door = await Door.open({
    ...listen,
    self,
    clock,
    limits,
    listener,
    report,
    handshakeMs: options.handshakeMs ?? 5_000,
    maxStrangers: options.maxStrangers ?? 64,
    maxAsked: options.maxAsked ?? 16_384,
  });
  const host = isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host;
  return new WireTransport(options, self, limits, clock, report, door, advertise ?? `${host}:${door.port}`);
}

export class WireTransport implements Transport {
  readonly address: string | null;
  readonly #self: Identity;
  readonly #limits: ConnectionLimits;
  readonly #clock: Clock;
  readonly #report: (line: string) => void;
  readonly #door: Door | null;
  readonly #heartbeatMs: number;
  readonly #silentMs: number;
  readonly #dialMs: number;
  /** By the peer's id and address: joined to one text they would be one more text for each question. */
  readonly #lines = new Map<string, Map<string, Line>>();
  /** The one that was asked for last: most of what is sent together goes to one node. */
  #latest: Line | null = null;
  readonly #ticker: NodeJS.Timeout;
  #tickedAt: number;
  #listener: (peer: Peer, state: PeerState) => void = () => {};
  #closed = false;

  constructor(
    options: TransportOptions,
    self: Identity,
    limits: ConnectionLimits,
    clock: Clock,
    report: (line: string) => void,
    door: Door | null,
    address: string | null,
  ) {
    this.address = address;
    this.#self = self;
    this.#limits = limits;
    this.#clock = clock;
    this.#report = report;
    this.#door = door;
    this.#heartbeatMs = options.heartbeatMs ?? 100;
    this.#silentMs = options.silentMs ?? 500;
    this.#dialMs = options.dialMs ?? 500;
    this.#tickedAt = clock.monotonicMs();
    this.#ticker = setInterval(() => this.#tick(), this.#heartbeatMs);
    this.#ticker.unref(); // the door holds a node that listens; a pure sender must not be held
  }

  ask(peer: Peer, question: Parcel, deadline: number, settle: (delivery: Delivery) => void): void {
    const line = this.#closed ? null : this.#lineTo(peer);
    if (line !== null) line.ask(question, deadline, settle);
    else queueMicrotask(() => settle({ kind: "undelivered", reason: "this node has closed its lines" }));
  }

  state(peer: Peer): PeerState {
    return this.#known(peer)?.state ?? "new";
  }

  onState(listener: (peer: Peer, state: PeerState) => void): void {
    this.#listener = listener;
  }

  keep(peers: readonly Peer[]): void {
    if (this.#closed) return;
    for (const line of this.#all()) {
      const { id, address } = line.peer;
      if (line.pending > 0 || peers.some((peer) => peer.id === id && peer.address === address)) continue;
      const ofId = this.#lines.get(id);
      ofId?.delete(address);
      this.#latest = null;
      if (ofId?.size === 0) this.#lines.delete(id);
      void line.close("the node is not of the network any more");
    }
    for (const peer of peers) this.#lineTo(peer);
  }

  async close(deadline: number): Promise<void> {
    this.#closed = true;
    await this.#door?.close(Math.max(0, deadline - this.#clock.monotonicMs()));
    clearInterval(this.#ticker);
    const lines = this.#all();
    this.#lines.clear();
    this.#latest = null;
    await Promise.all(lines.map((line) => line.close("this node has stopped")));
  }

  #all(): readonly Line[] {
    return [...this.#lines.values()].flatMap((ofId) => [...ofId.values()]);
  }

  #lineTo(peer: Peer): Line {
    return this.#known(peer) ?? this.#newLine(peer);
  }

  #known({ id, address }: Peer): Line | undefined {
    const latest = this.#latest;
    if (latest !== null && latest.peer.id === id && latest.peer.address === address) return latest;
    const line = this.#lines.get(id)?.get(address);
    this.#latest = line ?? null;
    return line;
  }

  #newLine(peer: Peer): Line {
    const line = new Line({
      peer,
      clock: this.#clock,
      limits: this.#limits,
      silentMs: this.#silentMs,
      dialMs: this.#dialMs,
      dial: (ms, connect) => dial(peer, this.#self, { maxPayload: this.#limits.maxFrameBytes, ms }, connect),
      changed: (state) => this.#listener(peer, state),
      refused: (reason) => this.#report(`the node ${peer.id} at ${peer.address}: ${reason}`),
    });
    const { id, address } = peer;
    const ofId = this.#lines.get(id);
    if (ofId === undefined) this.#lines.set(id, new Map([[address, line]]));
    else ofId.set(address, line);
    return line;
  }

  #tick(): void {
    const now = this.#clock.monotonicMs();
    // A process that was held up has not listened either: what came meanwhile is read before anybody is judged.
    const lateMs = Math.max(0, now - this.#tickedAt - this.#heartbeatMs * ON_TIME);
    this.#tickedAt = now;
    this.#door?.tick(now, this.#heartbeatMs, lateMs);
    for (const line of this.#all()) line.tick(now, this.#heartbeatMs, lateMs);
  }
}

/** A tick that comes after so many times its time is late. */
const ON_TIME = 1.5;

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
