// Stands before a node's door for the others, and knows which node is at the other end of each connection: what a network
// between any two of them does, at a test's command, in each direction on its own.

import { connect, createServer, type Server, type Socket } from "node:net";

/** `swallow`: bytes vanish and nobody hears of it. `reset`: connections end, and new ones at once. */
export type Rule = "pass" | "swallow" | "reset";

/** What becomes of bytes from one node to another, by their ids. */
export type RuleOf = (from: string, to: string) => Rule;

/** Who asks is in the clear in the first request: src/wire/handshake.ts. */
const ASKER = /x-pachyderm-id: ([A-Za-z0-9._-]+)/i;

class Line {
  readonly client: Socket;
  readonly server: Socket;
  /** Null: it has said nothing yet. */
  asker: string | null = null;
  /** Bytes were swallowed, from the asker or to it: what comes after them would make no sense. */
  readonly torn: [boolean, boolean] = [false, false];

  constructor(client: Socket, server: Socket) {
    this.client = client;
    this.server = server;
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }
}

export class DoorProxy {
  readonly #listener: Server;
  readonly #ruleOf: RuleOf;
  readonly #lines = new Set<Line>();
  /** Of the node behind it. */
  #id = "";
  #targetPort = 0;

  private constructor(ruleOf: RuleOf) {
    this.#ruleOf = ruleOf;
    this.#listener = createServer((client) => this.#accept(client));
  }

  static async start(ruleOf: RuleOf): Promise<DoorProxy> {
    const proxy = new DoorProxy(ruleOf);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    proxy.#listener.once("error", reject);
    proxy.#listener.listen(0, "127.0.0.1", () => resolve());
    await promise;
    return proxy;
  }

  get address(): string {
    const address = this.#listener.address();
    return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  /** New connections lead there: a node that is about to start. */
  leadTo(port: number): void {
    this.#targetPort = port;
    this.#id = "";
  }

  /** Who that is, once it has said so. */
  know(id: string): void {
    this.#id = id;
  }

  /** The rules have changed: connections that may not be are ended, and those that lost bytes and may speak again. */
  apply(): void {
    for (const line of this.#lines) {
      const rules = this.#rulesOf(line);
      const isTorn = line.torn.some((torn, i) => torn && rules[i] === "pass");
      if (isTorn || rules.includes("reset")) line.reset();
    }
  }

  async stop(): Promise<void> {
    for (const line of this.#lines) line.reset();
    await new Promise((resolve) => this.#listener.close(resolve));
  }

  /** From the asker, and to it. */
  #rulesOf({ asker }: Line): readonly [Rule, Rule] {
    if (asker === null) return ["pass", "pass"];
    return [this.#ruleOf(asker, this.#id), this.#ruleOf(this.#id, asker)];
  }

  #accept(client: Socket): void {
    const line = new Line(client, connect(this.#targetPort, "127.0.0.1"));
    this.#lines.add(line);
    client.setNoDelay(true);
    line.server.setNoDelay(true);
    client.on("data", (bytes) => {
      line.asker ??= ASKER.exec(bytes.toString("latin1"))?.[1] ?? null;
      this.#pass(line, bytes, 0, line.server);
    });
    line.server.on("data", (bytes) => this.#pass(line, bytes, 1, client));
    for (const end of [client, line.server]) {
      end.on("error", () => {}); // "close" follows
      end.on("close", () => this.#closed(line));
    }
  }

  #pass(line: Line, bytes: Buffer, direction: 0 | 1, to: Socket): void {
    const rules = this.#rulesOf(line);
    if (rules.includes("reset")) line.reset();
    else if (rules[direction] === "pass" && !line.torn[direction]) to.write(bytes);
    else line.torn[direction] = true;
  }

  /** Behind a black hole nobody hears that the other side is gone. */
  #closed(line: Line): void {
    if (this.#rulesOf(line).includes("swallow")) {
      line.torn.fill(true);
      if (!line.client.destroyed || !line.server.destroyed) return;
    }
    line.reset();
    this.#lines.delete(line);
  }
}
