// A TCP line that can be cut, silenced and made to lose answers: what a network does, at a test's command.

import { connect, createServer, type Server, type Socket } from "node:net";

/** `lose-replies`: requests pass, replies are swallowed. `hold`: nothing passes, and nothing is lost. */
type Mode = "pass" | "refuse" | "blackhole" | "lose-replies" | "hold";

class Line {
  readonly client: Socket;
  readonly server: Socket;
  /** Whether bytes of it were swallowed: what comes after them would make no sense. */
  torn = false;
  /** Whether it was left to silence for ever. */
  silent = false;

  constructor(client: Socket, server: Socket) {
    this.client = client;
    this.server = server;
  }

  /** Whether nothing can come of it any more. */
  get spoilt(): boolean {
    return this.torn || this.client.destroyed || this.server.destroyed;
  }

  cut(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  pause(): void {
    this.client.pause();
    this.server.pause();
  }

  resume(): void {
    this.client.resume();
    this.server.resume();
  }
}

/** Stands before a server of 127.0.0.1. Amounts of a test fit in memory, so there is no back-pressure. */
export class TcpProxy {
  #targetPort: number;
  readonly #listener: Server;
  readonly #lines = new Set<Line>();
  #mode: Mode = "pass";
  #repliesToLose = 0;
  #bytesAsked = 0;
  #lost: () => void = () => {};

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#listener = createServer((client) => this.#accept(client));
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    await new Promise<void>((resolve, reject) => {
      proxy.#listener.once("error", reject);
      proxy.#listener.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    const address = this.#listener.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Bytes that came from clients, ever. */
  get bytesAsked(): number {
    return this.#bytesAsked;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#lines.size;
  }

  /** Those of them of which something can still come. */
  get live(): number {
    return [...this.#lines].filter((line) => !line.spoilt && !line.silent).length;
  }

  /** Ends all connections; new ones pass, unless another verb holds. */
  cut(): void {
    for (const line of this.#lines) line.cut();
    this.#lines.clear();
    if (this.#mode === "lose-replies") this.#doneLosing();
  }

  /** Ends all connections, and new ones at once. They are reset rather than refused, so that the port stays ours. */
  refuse(): void {
    this.#mode = "refuse";
    this.cut();
  }

  /** Swallows everything in both directions; connections stay open, and new ones open, to silence. */
  blackhole(): void {
    this.#mode = "blackhole";
  }

  /** Nothing is read any more, of old connections and new ones, until `heal`: as in front of a frozen process. */
  hold(): void {
    this.#mode = "hold";
    for (const line of this.#lines) line.pause();
  }

  /** Requests pass, and replies are not read any more, until `heal`: as before a client that is too busy to read. */
  holdReplies(): void {
    this.#mode = "hold";
    for (const line of this.#lines) line.server.pause();
  }

  /** The connections that are open now stay so, silent for ever, as behind a firewall that forgot them; new ones pass. */
  forget(): void {
    this.#mode = "pass";
    for (const line of this.#lines) line.silent = true;
  }

  /** New connections lead to another server. */
  retarget(port: number): void {
    this.#targetPort = port;
  }

  /** Everything passes again. Connections that lost bytes, or an end, are cut. */
  heal(): void {
    if (this.#mode === "lose-replies") this.#lost();
    this.#mode = "pass";
    for (const line of this.#lines) {
      if (!line.spoilt) {
        line.resume();
        continue;
      }
      line.cut();
      this.#lines.delete(line);
    }
  }

  /**
   * Requests pass and are carried out, replies are swallowed; after `bytes` of them (or a call of `cut`) all
   * connections are cut, and then everything passes again.
   * @returns settles then
   */
  async loseReplies(bytes = 1): Promise<void> {
    this.#mode = "lose-replies";
    this.#repliesToLose = bytes;
    await new Promise<void>((resolve) => {
      this.#lost = resolve;
    });
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#listener.close(resolve));
  }

  #accept(client: Socket): void {
    if (this.#mode === "refuse") {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const line = new Line(client, connect(this.#targetPort, "127.0.0.1"));
    this.#lines.add(line);
    client.setNoDelay(true);
    line.server.setNoDelay(true);
    client.on("data", (bytes) => this.#request(line, bytes));
    line.server.on("data", (bytes) => this.#reply(line, bytes));
    if (this.#mode === "hold") line.pause();
    for (const end of [client, line.server]) {
      end.on("error", () => {}); // "close" follows, and ends both
      end.on("close", () => {
        if (this.#mode === "blackhole" || line.silent) return; // silence tells nothing, not even that the other side is gone
        line.cut();
        this.#lines.delete(line);
      });
    }
  }

  #request(line: Line, bytes: Buffer): void {
    this.#bytesAsked += bytes.length;
    if (this.#mode === "blackhole" || line.silent) line.torn = true;
    else line.server.write(bytes);
  }

  #reply(line: Line, bytes: Buffer): void {
    if ((this.#mode === "pass" || this.#mode === "hold") && !line.silent) {
      line.client.write(bytes);
      return;
    }
    line.torn = true;
    if (this.#mode !== "lose-replies") return;
    this.#repliesToLose -= bytes.length;
    if (this.#repliesToLose <= 0) this.cut();
  }

  #doneLosing(): void {
    this.#mode = "pass";
    this.#lost();
  }
}
