// Where other nodes come in: the listener's side of the handshake.

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { PachydermError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Listener } from "../ports/transport.ts";
import { Challenges } from "./challenges.ts";
import { Connection, type ConnectionLimits } from "./connection.ts";
import type { Identity } from "./dial.ts";
import { Guest } from "./guest.ts";
import {
  type Hello,
  isProved,
  NO_HELLO,
  type Nonces,
  prove,
  type Refusal,
  readHeader,
  readHello,
  refusalOf,
  STOPPING,
  writeHeaders,
  writeRefusal,
} from "./handshake.ts";
import { Strangers } from "./strangers.ts";

export interface DoorParts {
  readonly self: Identity;
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  /** Milliseconds until a stranger has proved itself, or is shut out. */
  readonly handshakeMs: number;
  /** Connections of strangers at once. */
  readonly maxStrangers: number;
  /** Questions of one connection being answered at once; more are not read. */
  readonly maxAsked: number;
  readonly listener: Listener;
  /** A stranger was shut out, or a trusted node spoke nonsense. */
  readonly report: (line: string) => void;
}

type Verdict =
  | { readonly kind: "welcome"; readonly hello: Hello; readonly proof: string }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export class Door {
  readonly #parts: DoorParts;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #challenges: Challenges;
  readonly #strangers: Strangers;
  /** What this node answers whoever proved itself, by the request that did. */
  readonly #proofs = new WeakMap<IncomingMessage, string>();
  readonly #guests = new Set<Guest>();
  #answering = 0;
  #idle: (() => void) | null = null;
  #closing = false;

  private constructor(parts: DoorParts) {
    this.#parts = parts;
    const { self, handshakeMs, limits, maxStrangers, report } = parts;
    this.#challenges = new Challenges(handshakeMs);
    this.#strangers = new Strangers(maxStrangers, report);
    // A stranger that says nothing, or says it slowly, is cut off by these.
    const options = {
      headersTimeout: handshakeMs,
      requestTimeout: handshakeMs,
      connectionsCheckingInterval: Math.min(handshakeMs, 500),
      maxHeaderSize: 4_096,
    };
    const mutual = {
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
      handshakeTimeout: handshakeMs,
    } as const;
    this.#server =
      self.tls === undefined
        ? createServer(options)
        : createSecureServer({ ...options, ...self.tls, ...mutual });
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: limits.maxFrameBytes,
    });
    this.#sockets.on("headers", (headers, request) =>
      headers.push(`x-pachyderm-proof: ${this.#proofs.get(request) ?? ""}`),
    );
    this.#sockets.on("wsClientError", (error, socket, request) => {
      this.#report(`refused ${nameOf(readHello(request.headers), request)}: ${error.message}`);
      socket.destroy();
    });
    this.#server.on("request", (request, response) => this.#challenge(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#strangers.watch(this.#server);
  }

  /** @throws PachydermError INVALID_OPTIONS if the address cannot be listened at */
  static async open(parts: DoorParts): Promise<Door> {
    const door = new Door(parts);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    door.#server.once("error", reject);
    door.#server.listen(parts.port, parts.host, () => resolve());
    try {
      await promise;
    } catch (thrown) {
      const why = (thrown as NodeJS.ErrnoException).code;
      const message = `cannot listen for other nodes at ${parts.host}:${parts.port} (${why}): choose another host or port`;
      throw new PachydermError("INVALID_OPTIONS", message, { cause: thrown });
    }
    door.#server.off("error", reject);
    door.#server.on("error", (error) => parts.report(`the door for other nodes: ${error.message}`));
    return door;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Called now and then. Signs of life are said to those that are heard of: where what an asker says is lost on the way,
   * and what it is told is not, it would else take this node for up, and wait for its answers until their deadlines.
   *
   * @param lateMs for so long this process was held up, and has not listened
   */
  tick(now: number, idleMs: number, lateMs: number): void {
    this.#challenges.forget(now);
    for (const { connection } of this.#guests) {
      connection.excuse(lateMs);
      if (now - connection.heardAt <= idleMs * MISSED) connection.beat(now, idleMs);
      // The asker has given it up long since, and made another.
      if (now - connection.heardAt > GONE_MS) connection.terminate("not heard of");
    }
  }

  /** Lets in nobody new, lets what was asked be answered until then, and shuts. */
  async close(ms: number): Promise<void> {
    this.#closing = true;
    const end = this.#parts.clock.monotonicMs() + ms;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#answering > 0 && ms > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    for (const { connection } of this.#guests) connection.close("this node has stopped");
    this.#strangers.shutOut();
    // Whoever hears that answers, behind all that was said to it. One that is not heard of any more is not waited for.
    const last = setInterval(() => {
      const now = this.#parts.clock.monotonicMs();
      for (const { connection } of this.#guests)
        if (now >= end || now - connection.heardAt > LAST_SILENCE_MS)
          connection.terminate("this node has stopped");
      this.#strangers.shutOut();
    }, LAST_LOOK_MS);
    await closed;
    clearInterval(last);
  }

  #challenge(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader("connection", "close");
    const hello = readHello(request.headers);
    const refusal = this.#refusalOf(hello);
    if (hello === undefined || refusal !== null) {
      const { status, words } = refusal ?? NO_HELLO;
      this.#refused(request, hello, { status, words });
      response.writeHead(status, writeRefusal(words)).end();
      return;
    }
    const nonce = this.#challenges.give(hello, this.#parts.clock.monotonicMs());
    response.writeHead(401, writeHeaders({ nonce })).end();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {}); // it closes, which is told of
    const verdict = this.#verdictOn(request);
    if (verdict.kind === "refused") {
      const { status, words } = verdict.refusal;
      this.#refused(request, readHello(request.headers), verdict.refusal);
      const headers = Object.entries(writeRefusal(words)).map(([name, value]) => `${name}: ${value}\r\n`);
      const text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join("")}connection: close\r\n\r\n`;
      // Not only its own end of it: a stranger that keeps the other one open would take up a place for ever.
      socket.end(text, () => socket.destroy());
      return;
    }
    this.#proofs.set(request, verdict.proof);
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
      this.#strangers.know(request.socket);
      this.#welcome(accepted, request.socket, verdict.hello);
    });
  }

  #refusalOf(hello: Hello | undefined): Refusal | null {
    if (hello === undefined) return NO_HELLO;
    if (this.#closing) return { status: STOPPING, words: "this node is stopping" };
    return refusalOf(hello, this.#parts.self);
  }

  /** Whether it has proved what it had to. A nonce is good once, for whom it was given to. */
  #verdictOn(request: IncomingMessage): Verdict {
    const { secrets } = this.#parts.self;
    const no = (words: string): Verdict => ({ kind: "refused", refusal: { status: 403, words } });
    const hello = readHello(request.headers);
    const refusal = this.#refusalOf(hello);
    if (hello === undefined || refusal !== null) return { kind: "refused", refusal: refusal ?? NO_HELLO };
    const nonces = noncesOf(request);
    const now = this.#parts.clock.monotonicMs();
    if (nonces.asker === "" || !this.#challenges.isGood(nonces.listener, hello, now))
      return no("the challenge is not (or no longer) one of this node's");
    const proof = readHeader(request.headers, "proof") ?? "";
    if (secrets.length === 0 && proof !== "")
      return no("this node has no secret, and was given a proof of one");
    if (secrets.length > 0 && proof === "")
      return no("this network has a secret, and no proof of it was given");
    // The one of our secrets that the asker has: it is answered with the same, for it may not know the other one yet.
    const used = secrets.filter((secret) => isProved([secret], "asker", hello, nonces, proof));
    if (secrets.length > 0 && used.length === 0) return no("the secret is not this network's");
    this.#challenges.use(nonces.listener, now);
    return { kind: "welcome", hello, proof: prove(used[0], "listener", hello, nonces) };
  }

  /** That another node is here by now, or that this one stops, is the way of things. */
  #refused(request: IncomingMessage, hello: Hello | undefined, { status, words }: Refusal): void {
    if (status === 403) this.#report(`refused ${nameOf(hello, request)}: ${words}`);
  }

  #report(line: string): void {
    this.#parts.report(line);
  }

  #welcome(socket: WebSocket, bytes: Duplex, hello: Hello): void {
    const { clock, limits, maxAsked, listener } = this.#parts;
    const guest: Guest = new Guest({
      limits,
      maxAsked,
      listener,
      connect: (events) => new Connection(socket, bytes, clock, limits, events),
      asked: () => {
        this.#answering += 1;
      },
      answered: () => {
        this.#answering -= 1;
        if (this.#answering === 0) this.#idle?.();
      },
      left: (reason, broken) => {
        this.#guests.delete(guest);
        if (broken && !this.#closing) this.#report(`the line of the node ${hello.id} was cut: ${reason}`);
      },
    });
    this.#guests.add(guest);
  }
}

const GONE_MS = 30_000;
/** An asker of which nothing came for so many signs of life is not heard of. */
const MISSED = 3;
const LAST_LOOK_MS = 50;
const LAST_SILENCE_MS = 300;

function noncesOf({ headers }: IncomingMessage): Nonces {
  return { asker: readHeader(headers, "asker") ?? "", listener: readHeader(headers, "listener") ?? "" };
}

/** What it calls itself, which it has not proved. */
function nameOf(hello: Hello | undefined, { socket }: { readonly socket: Socket }): string {
  const from = socket.remoteAddress ?? "an address that is gone";
  return hello === undefined ? `a stranger at ${from}` : `the node ${hello.id} at ${from}`;
}
