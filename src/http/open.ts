// The HTTP door of a node: opened beside it, drained before it stops.

import type { AddressInfo } from "node:net";
import { isIP } from "node:net";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { PachydermError, reasonOf } from "../core/errors.ts";
import type { Pachyderm } from "../node/pachyderm.ts";
import { type Board, boardRoutes } from "./board.ts";
import { clusterRoutes } from "./cluster.ts";
import { effectRoutes } from "./effects.ts";
import { entityRoutes } from "./entities.ts";
import { eventRoutes } from "./events.ts";
import { gate } from "./gate.ts";
import { historyRoutes } from "./history.ts";
import { type HttpLimits, readLimits } from "./limits.ts";
import { jsonLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { probeRoutes } from "./probes.ts";
import { watchRequests } from "./requests.ts";
import { makeServer } from "./server.ts";
import { subscriptionRoutes } from "./subscriptions.ts";
import { Tokens } from "./tokens.ts";
import { viewRoutes } from "./views.ts";

/** What a door is opened with. Everything may be left out. */
export interface HttpOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 8080; 0: the system chooses. */
  readonly port?: number;
  /** Bearer tokens, any of which lets a request in; several while they are being changed. None: everybody may come in. */
  readonly token?: string | readonly string[];
  /** What `/metrics` tells: the same that the node was started with as `meter`. */
  readonly metrics?: Metrics;
  /** A pino log, such as `jsonLog()` makes. Default: one that logs nothing. */
  readonly log?: FastifyBaseLogger;
  readonly limits?: Partial<HttpLimits>;
  /** Shows the queues of durable effects at `/queues`, behind the same token, such as Bull Board. Default: nothing is there. */
  readonly board?: Board;
}

/** An open door. */
export interface HttpDoor {
  /** Where it listens, such as `http://127.0.0.1:8080`. */
  readonly address: string;

  /** From now on requests get 503 and the end of their connection, and `/readyz` says no; what is being answered goes on. */
  drain(): void;

  /** Drains, waits for what is being answered (for `limits.closeMs` at most) and lets the port go. Never fails. */
  close(): Promise<void>;
}

/**
 * Opens a door to a node. Close it before `pachyderm.stop()`, or drain it before and close it after: see docs/http.md.
 *
 * @throws PachydermError INVALID_OPTIONS: an option, or an address that cannot be listened on
 */
export async function openHttp(pachyderm: Pachyderm, options: HttpOptions = {}): Promise<HttpDoor> {
  const {
    host = "127.0.0.1",
    port = 8080,
    token = [],
    metrics = new Metrics(),
    log = jsonLog("silent"),
  } = options;
  const limits = readLimits(options.limits);
  const tokens = new Tokens(typeof token === "string" ? [token] : token);
  const door = new Door(makeServer(limits, log), limits.closeMs);
  metrics.watch(() => pachyderm.gauges());
  const isDraining = () => door.isDraining;
  watchRequests(door.app, metrics);
  gate(door.app, tokens, isDraining);
  entityRoutes(door.app, pachyderm);
  eventRoutes(door.app, pachyderm, door.draining);
  subscriptionRoutes(door.app, pachyderm);
  historyRoutes(door.app, pachyderm);
  viewRoutes(door.app, pachyderm);
  clusterRoutes(door.app, pachyderm);
  effectRoutes(door.app, pachyderm);
  probeRoutes(door.app, isDraining, metrics);
  if (options.board !== undefined) await boardRoutes(door.app, pachyderm, options.board);
  pachyderm.advertiseHttp(host, await door.open(host, port));
  if (!tokens.areNeeded && !isLoopback(host)) {
    log.warn({ host }, "the HTTP door is open to everybody who can reach this address: give it a token");
  }
  return door;
}

class Door implements HttpDoor {
  readonly app: FastifyInstance;
  readonly #closeMs: number;
  #address = "";
  readonly #draining = new AbortController();
  #closed: Promise<void> | null = null;

  constructor(app: FastifyInstance, closeMs: number) {
    this.app = app;
    this.#closeMs = closeMs;
  }

  get address(): string {
    return this.#address;
  }

  get isDraining(): boolean {
    return this.#draining.signal.aborted;
  }

  /** Aborted when it drains: what would be answered for ever ends. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** @returns the port, which the system may have chosen */
  async open(host: string, port: number): Promise<number> {
    try {
      await this.app.listen({ host, port, listenTextResolver: (at) => `the HTTP door is open at ${at}` });
    } catch (cause) {
      await this.app.close();
      const message = `the HTTP door cannot listen on ${host} port ${port}: ${reasonOf(cause)}`;
      throw new PachydermError("INVALID_OPTIONS", message, { cause });
    }
    const { address, port: chosen, family } = this.app.server.address() as AddressInfo;
    this.#address = `http://${family === "IPv6" ? `[${address}]` : address}:${chosen}`;
    return chosen;
  }

  drain(): void {
    this.#draining.abort();
  }

  close(): Promise<void> {
    this.drain();
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Node waits for connections on which something is under way, for as long as a slow client likes: so there is an end. */
  async #close(): Promise<void> {
    const timer = setTimeout(() => this.app.server.closeAllConnections(), this.#closeMs);
    try {
      await this.app.close();
    } finally {
      clearTimeout(timer);
    }
  }
}

function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}
