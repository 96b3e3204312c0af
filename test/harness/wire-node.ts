// A node's end of the lines, on the wire, with what it reports; and a stranger who knows the handshake.

import { createHmac, randomBytes } from "node:crypto";
import { get, type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { newId } from "../../src/index.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { Delivery, Listener, Parcel, Peer } from "../../src/ports/transport.ts";
import { openTransport, type TransportOptions, type WireTransport } from "../../src/wire/transport.ts";

export const SECRET = "what only nodes know";
const echo: Listener = (question, answer) => answer(question);

export interface WireOptions extends Partial<TransportOptions> {
  readonly listener?: Listener;
}

export class WireNode {
  static readonly #open = new Set<WireNode>();
  readonly id: string;
  readonly transport: WireTransport;
  /** What whoever runs the node would read. */
  readonly lines: readonly string[];

  private constructor(id: string, transport: WireTransport, lines: readonly string[]) {
    this.id = id;
    this.transport = transport;
    this.lines = lines;
    WireNode.#open.add(this);
  }

  static async open({ listener = echo, ...options }: WireOptions = {}): Promise<WireNode> {
    const id = options.id ?? newId();
    const lines: string[] = [];
    const transport = await openTransport(
      {
        id,
        network: "main",
        protocol: 1,
        listen: { host: "127.0.0.1", port: 0 },
        secrets: [SECRET],
        heartbeatMs: 20,
        silentMs: 400,
        dialMs: 2_000,
        report: (line) => lines.push(line),
        ...options,
      },
      listener,
      systemClock,
    );
    return new WireNode(id, transport, lines);
  }

  /** For `afterEach`. */
  static async closeAll(): Promise<void> {
    await Promise.all([...WireNode.#open].map((node) => node.transport.close(0)));
    WireNode.#open.clear();
  }

  get peer(): Peer {
    return { id: this.id, address: this.transport.address ?? "" };
  }

  get port(): number {
    return Number(/:(\d+)$/.exec(this.peer.address)?.[1]);
  }

  ask(to: WireNode | Peer, question: Parcel, ms = 5_000): Promise<Delivery> {
    const peer = to instanceof WireNode ? to.peer : to;
    const deadline = systemClock.monotonicMs() + ms;
    return new Promise((resolve) => this.transport.ask(peer, question, deadline, resolve));
  }
}

/** Whether a node serves a peer of its network as if nothing had been. */
export async function serves(node: WireNode, options: Partial<TransportOptions> = {}): Promise<Delivery> {
  const peer = await WireNode.open({ listen: null, ...options });
  try {
    return await peer.ask(node, ["are you well?"]);
  } finally {
    await peer.transport.close(0);
  }
}

export type Headers = Readonly<Record<string, string>>;

/** The first request of a handshake. */
export function hello(node: WireNode, changed: Headers = {}): Headers {
  return prefixed({ protocol: "1", network: "main", id: "a-stranger", to: node.id, ...changed });
}

export function prefixed(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [`x-pachyderm-${name}`, value]));
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly words: string | undefined;
  /** Of one that was let in. */
  readonly socket: Socket | undefined;
}

/** One request, as a stranger makes it. */
export function request(port: number, headers: Headers): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const asked = get({ port, host: "127.0.0.1", headers, agent: false });
  const answered = (from: IncomingHttpHeaders, status: number, socket?: Socket): void => {
    const words = from["x-pachyderm-refusal"];
    resolve({ status, headers: from, words: typeof words === "string" ? words : undefined, socket });
  };
  asked.on("response", (response) => {
    response.resume();
    answered(response.headers, response.statusCode ?? 0);
  });
  asked.on("upgrade", (response, socket) => {
    socket.on("error", () => {}); // it is ended by the other side
    answered(response.headers, response.statusCode ?? 0, socket as Socket);
  });
  asked.on("error", reject);
  return promise;
}

export function proofOf(
  secret: string,
  role: string,
  said: Headers,
  asker: string,
  listener: string,
): string {
  const parts = [role, said["x-pachyderm-protocol"], said["x-pachyderm-network"]];
  const text = [...parts, said["x-pachyderm-id"], said["x-pachyderm-to"], asker, listener].join("\n");
  return createHmac("sha256", secret).update(`pachyderm\n${text}`).digest("base64url");
}

export const upgrade: Headers = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": randomBytes(16).toString("base64"),
};

export async function nonceOf(node: WireNode, said: Headers): Promise<string> {
  const { headers } = await request(node.port, said);
  return `${headers["x-pachyderm-nonce"]}`;
}

/** Both requests. @param changed headers of the second that are not as they should be */
export async function shake(node: WireNode, secret = SECRET, changed: Headers = {}): Promise<Answered> {
  const said = hello(node);
  const listener = await nonceOf(node, said);
  const proof = proofOf(secret, "asker", said, "my-nonce", listener);
  return await request(node.port, {
    ...said,
    ...upgrade,
    ...prefixed({ asker: "my-nonce", listener, proof }),
    ...changed,
  });
}

/** A connection that says just these bytes; resolves when the other side has ended it. */
export function say(port: number, bytes: Uint8Array | string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
  let heard = "";
  socket.on("data", (data) => {
    heard += data.toString("latin1");
  });
  socket.on("error", () => {}); // it closes, whichever way
  socket.on("close", () => resolve(heard));
  return promise;
}
