// Connections of which nothing is known yet: few at a time, each for a short time, and a word on those that were shut out.

import type { Server } from "node:http";
import type { Socket } from "node:net";

export class Strangers {
  readonly #most: number;
  readonly #report: (line: string) => void;
  /** By the other end: the socket that TLS makes of one is another object. */
  readonly #sockets = new Map<string, Socket>();

  constructor(most: number, report: (line: string) => void) {
    this.#most = most;
    this.#report = report;
  }

  watch(server: Server): void {
    server.on("connection", (socket: Socket) => this.#knock(socket));
    server.on("clientError", (error: Failure, socket) => {
      this.#said(error, "remoteAddress" in socket ? String(socket.remoteAddress) : undefined);
      socket.destroy();
    });
    server.on("tlsClientError", (error: Failure, { authorizationError, remoteAddress }: SecureSocket) => {
      // What was wrong with its certificate is told by the socket alone: the error is but that it was closed.
      const why = authorizationError ? { code: `${authorizationError}`, message: "its certificate" } : error;
      this.#said(why, remoteAddress);
    });
  }

  /** It has proved itself. */
  know(socket: Socket): void {
    this.#sockets.delete(nameOf(socket));
  }

  shutOut(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #knock(socket: Socket): void {
    if (this.#sockets.size >= this.#most) {
      this.#report(`more than ${this.#most} strangers at once: one was shut out`);
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    this.#sockets.set(name, socket);
    socket.once("close", () => {
      if (this.#sockets.get(name) === socket) this.#sockets.delete(name);
    });
  }

  /** Whoever comes and goes without a word is not worth one. */
  #said({ code = "", message }: Failure, from: string | undefined): void {
    if (code === "ECONNRESET" || code === "EPIPE") return;
    const words = code.startsWith("HPE_") ? "what came is no hello" : message;
    const where = from === undefined ? "" : ` at ${from}`; // of one that is closed already nobody knows
    this.#report(`refused a stranger${where}: ${words} (${code})`);
  }
}

interface Failure {
  readonly message: string;
  readonly code?: string;
}

interface SecureSocket {
  readonly authorizationError?: unknown;
  readonly remoteAddress?: string | undefined;
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
