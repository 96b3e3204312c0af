// The one file of the bench that knows Pachyderm's face.

import { existsSync } from "node:fs";
import type { Line, Stage } from "./line.ts";
import type { Server } from "./redis.ts";

interface Reference {
  readonly type: string;
  readonly id: string;
}

interface Counter {
  ref(id: string): Reference;
}

interface Node {
  send(reference: Reference, message: { readonly type: "increment" }): Promise<{ readonly state: unknown }>;
  get(reference: Reference): Promise<{ readonly state: unknown; readonly version: number }>;
  stop(): Promise<void>;
}

/** As much of the package as is used here: the bench also runs, without this line, where the package does not. */
interface Face {
  readonly Pachyderm: { start(options: Readonly<Record<string, unknown>>): Promise<Node> };
  defineEntity(spec: Readonly<Record<string, unknown>>): Counter;
  newId(): string;
}

export interface Settings {
  /** The network's log; fixed for the network, so each setting has a network of its own. */
  readonly log: boolean;
  /** Whether the counter takes snapshots. */
  readonly snapshot: boolean;
  /** One of several nodes: the name of its network, and whether it hosts or only sends. Left out: a node alone. */
  readonly cluster?: { readonly network: string; readonly host: boolean };
}

const entrance = new URL("../src/index.ts", import.meta.url);

export async function findPachyderm(): Promise<Bench | undefined> {
  if (!existsSync(entrance)) return undefined;
  return new Bench((await import(entrance.href)) as Face);
}

export class Bench {
  readonly #face: Face;

  constructor(face: Face) {
    this.#face = face;
  }

  newId(): string {
    return this.#face.newId();
  }

  line(settings: Settings, name = "Pachyderm"): Line {
    return { name, open: (server) => this.open(server, settings) };
  }

  async open(server: Pick<Server, "url">, { log, snapshot, cluster }: Settings): Promise<Stage> {
    const counter = this.#counter(snapshot);
    const node = await this.#face.Pachyderm.start({
      entities: [counter],
      redis: server.url,
      network: cluster?.network ?? (log ? "bench-log" : "bench"),
      log,
      ...(cluster === undefined ? {} : { host: cluster.host, cluster: { port: 0, secret: "bench-secret" } }),
    });
    return {
      send: (id) => node.send(counter.ref(id), { type: "increment" }),
      count: async (id) => countOf((await node.get(counter.ref(id))).state),
      close: () => node.stop(),
    };
  }

  #counter(snapshot: boolean): Counter {
    return this.#face.defineEntity({
      type: "counter",
      init: () => ({ count: 0 }),
      handle: () => [{ type: "increased", amount: 1 }],
      update: (event: { amount: number }, state: { count: number }) => ({
        count: state.count + event.amount,
      }),
      ...(snapshot ? {} : { snapshot: false }),
    });
  }
}

function countOf(state: unknown): number {
  if (typeof state === "object" && state !== null && "count" in state && typeof state.count === "number") {
    return state.count;
  }
  throw new Error(`not the counter's state: ${JSON.stringify(state)}`);
}
