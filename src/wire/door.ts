// Where other nodes come in: the listener's side of the handshake, and the questions of those that are trusted.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { PachydermError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Listener } from "../ports/transport.ts";
import { Connection, type ConnectionLimits } from "./connection.ts";
import type { Identity } from "./dial.ts";
import type { Item } from "./frame.ts";
import {
  type Hello,
  isProved,
  newNonce,
  prove,
  readHeader,
  readHello,
  refusalOf,
  toHeaderText,
  writeHeaders,
} from "./handshake.ts";

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

/** A challenge: who was given it, and until when it is good. */
interface Challenge {
  readonly hello: Hello;
  readonly until: number;
}

export class Door {
  readonly #parts: DoorParts;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #challenges = new Map<string, Challenge>();
  readonly #connections = new Set<Connection>();
  readonly #strangers = new Set<Duplex>();
  #answering = 0;
  #idle: (() => void) | null = null;

  private constructor(parts: DoorParts) {
    this.#parts = parts;
    const { self, handshakeMs, limits } = parts;
    // Shared with HTTP: a stranger that says nothing, or says it slowly, is cut off by these.
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
    const knock = self.tls === undefined ? "connection" : "secureConnection";
    this.#server.on(knock, (socket: Duplex) => this.#knock(socket));
    this.#server.on("request", (request, response) => this.#challenge(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on("clientError", (_, socket) => socket.destroy());
    this.#server.on("tlsClientError", (error) => parts.report(`refused a node: TLS: ${error.message}`));
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
      const message = `cannot listen for other nodes at ${parts.host}:${parts.port}: choose another host or port`;
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
   * @param onTime false: this process was held up, and has not listened either
   */
  tick(now: number, idleMs: number, onTime: boolean): void {
    for (const [nonce, { until }] of this.#challenges) if (until <= now) this.#challenges.delete(nonce);
    for (const connection of this.#connections) {
      const silence = connection.isPaused || !onTime ? 0 : now - connection.heardAt;
      if (silence <= idleMs * MISSED) connection.beat(now, idleMs);
      // The asker has given it up long since, and made another.
      if (silence > GONE_MS) connection.terminate("not heard of");
    }
  }

  /** Lets in nobody new, lets what was asked be answered until then, and shuts. */
  async close(ms: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#answering > 0 && ms > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    for (const connection of this.#connections) connection.close("this node has stopped");
    // What was answered last is on its way: a moment for it, and no more for one that does not take it.
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate("this node has stopped");
      this.#server.closeAllConnections();
    }, LAST_FRAME_MS);
    await closed;
    clearTimeout(timer);
  }

  #knock(socket: Duplex): void {
    if (this.#strangers.size >= this.#parts.maxStrangers) {
      socket.destroy();
      return;
    }
    this.#strangers.add(socket);
    socket.once("close", () => this.#strangers.delete(socket));
  }

  #challenge(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader("connection", "close");
    const hello = readHello(request.headers);
    const refusal =
      hello === undefined ? "this is a door for nodes of Pachyderm" : refusalOf(hello, this.#parts.self);
    if (hello === undefined || refusal !== null) {
      this.#refused(hello, refusal ?? "");
      response.writeHead(403, writeHeaders({ refusal: toHeaderText(refusal ?? "") })).end();
      return;
    }
    const nonce = newNonce();
    this.#challenges.set(nonce, { hello, until: this.#parts.clock.monotonicMs() + this.#parts.handshakeMs });
    response.writeHead(401, writeHeaders({ nonce })).end();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {}); // it closes, which is told of
    const hello = readHello(request.headers);
    const refusal = this.#refusalOf(request, hello);
    if (hello === undefined || refusal !== null) {
      this.#refused(hello, refusal ?? "");
      const words = toHeaderText(refusal ?? "this is a door for nodes of Pachyderm");
      socket.end(`HTTP/1.1 403 Forbidden\r\nx-pachyderm-refusal: ${words}\r\nconnection: close\r\n\r\n`);
      return;
    }
    const nonces = noncesOf(request);
    const [secret] = this.#usedSecret(hello, request);
    const proof = prove(secret, "listener", hello, nonces);
    this.#sockets.once("headers", (headers) => headers.push(`x-pachyderm-proof: ${proof}`));
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
      this.#strangers.delete(socket);
      this.#welcome(accepted, hello);
    });
  }

  /** Null: it has proved what it had to. A nonce is good once, for whom it was given to. */
  #refusalOf(request: IncomingMessage, hello: Hello | undefined): string | null {
    if (hello === undefined) return "this is a door for nodes of Pachyderm";
    const refusal = refusalOf(hello, this.#parts.self);
    if (refusal !== null) return refusal;
    const nonces = noncesOf(request);
    const challenge = this.#challenges.get(nonces.listener);
    this.#challenges.delete(nonces.listener);
    if (challenge === undefined || challenge.hello.id !== hello.id || nonces.asker === "")
      return "the challenge is not (or no longer) one of this node's";
    if (this.#usedSecret(hello, request).length > 0 || this.#isOpen(request)) return null;
    return this.#parts.self.secrets.length === 0
      ? "this node has no secret, and was given a proof of one"
      : "the secret is not this network's";
  }

  #isOpen(request: IncomingMessage): boolean {
    return this.#parts.self.secrets.length === 0 && (readHeader(request.headers, "proof") ?? "") === "";
  }

  /** The one of our secrets that the asker has: it is answered with the same, for it may not know the other one yet. */
  #usedSecret(hello: Hello, request: IncomingMessage): readonly string[] {
    const proof = readHeader(request.headers, "proof") ?? "";
    const nonces = noncesOf(request);
    return this.#parts.self.secrets.filter((secret) => isProved([secret], "asker", hello, nonces, proof));
  }

  #refused(hello: Hello | undefined, why: string): void {
    this.#parts.report(`refused a node${hello === undefined ? "" : ` (${hello.id})`}: ${why}`);
  }

  #welcome(socket: WebSocket, { id }: Hello): void {
    const { clock, limits, report } = this.#parts;
    let asked = 0;
    const connection: Connection = new Connection(socket, clock, limits, {
      heard: (items) => {
        for (const item of items) {
          if (item.kind !== "question") continue;
          asked += 1;
          this.#answer(connection, item, () => {
            asked -= 1;
            if (asked <= this.#parts.maxAsked / 2) connection.resume();
          });
        }
        if (asked >= this.#parts.maxAsked) connection.pause();
      },
      closed: (reason) => {
        this.#connections.delete(connection);
        if (!reason.startsWith("closed")) report(`the line of the node ${id} was cut: ${reason}`);
      },
    });
    this.#connections.add(connection);
  }

  #answer(
    connection: Connection,
    { number, parcel }: Item & { readonly kind: "question" },
    done: () => void,
  ): void {
    let answered = false;
    this.#answering += 1;
    this.#parts.listener(parcel, (answer) => {
      if (answered) return;
      answered = true;
      this.#answering -= 1;
      done();
      const said = connection.say({ kind: "answer", number, parcel: answer });
      if (said === "too-large") connection.say({ kind: "too-large", number });
      // The asker does not read what it asked for; whatever else it asked is lost with this, and tried elsewhere.
      else if (said === "full") connection.terminate("the node does not read its answers");
      if (this.#answering === 0) this.#idle?.();
    });
  }
}

const GONE_MS = 30_000;
/** An asker of which nothing came for so many signs of life is not heard of. */
const MISSED = 3;
const LAST_FRAME_MS = 100;

function noncesOf({ headers }: IncomingMessage): { readonly asker: string; readonly listener: string } {
  return { asker: readHeader(headers, "asker") ?? "", listener: readHeader(headers, "listener") ?? "" };
}
