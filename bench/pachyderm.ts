// The one file of the bench that knows Pachyderm's face.

import { existsSync } from "node:fs";
import { each } from "./drive.ts";
import type { Line, Stage } from "./line.ts";
import type { Server } from "./redis.ts";

interface Reference {
  readonly type: string;
  readonly id: string;
}

interface Counter {
  ref(id: string): Reference;
}

export interface View {
  find(
    options: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly rows: readonly unknown[]; readonly next: string | null }>;
  count(options: Readonly<Record<string, unknown>>): Promise<number>;
}

interface Node {
  send(
    reference: Reference,
    message: { readonly type: string } & Readonly<Record<string, unknown>>,
  ): Promise<{ readonly state: unknown }>;
  view(entity: Counter, name: string): View;
  subscribe(options: Readonly<Record<string, unknown>>): Promise<{ remove(): Promise<void> }>;
  get(reference: Reference): Promise<{ readonly state: unknown; readonly version: number }>;
  stop(): Promise<void>;
}

/** As much of the package as is used here: the bench also runs, without this line, where the package does not. */
interface Face {
  readonly Pachyderm: { start(options: Readonly<Record<string, unknown>>): Promise<Node> };
  defineEntity(spec: Readonly<Record<string, unknown>>): Counter;
  newId(): string;
  schedule(timer: Readonly<Record<string, unknown>>): unknown;
  cancel(name: string): unknown;
  tell(reference: Reference, message: Readonly<Record<string, unknown>>): unknown;
  defineEffect(spec: Readonly<Record<string, unknown>>): (payload: unknown) => unknown;
}

export interface Settings {
  /** The network's log; fixed for the network, so each setting has a network of its own. */
  readonly log: boolean;
  /** Whether the counter takes snapshots. */
  readonly snapshot: boolean;
  /** Whether each message sets a timer, far away, or cancels it: in turns. Default false. */
  readonly timers?: boolean;
  /** Whether the counter has a view, of one row with one index, and what becomes of the row. Default: none. */
  readonly view?: "changes" | "stays";
  /** Whether each message yields a durable effect. Default false. */
  readonly durable?: boolean;
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

  async open(
    server: Pick<Server, "url">,
    { log, snapshot, timers = false, durable = false, view, cluster }: Settings,
  ): Promise<Stage> {
    const mark = this.#face.defineEffect({ name: "mark", durable: {}, dispatch: () => {} });
    const counter = this.#counter(snapshot, timers, durable ? mark : null, view);
    const node = await this.#face.Pachyderm.start({
      entities: [counter],
      effects: durable ? [mark] : [],
      redis: server.url,
      network: cluster?.network ?? `bench${log ? "-log" : ""}${view === undefined ? "" : `-${view}`}`,
      log,
      ...(cluster === undefined ? {} : { host: cluster.host, cluster: { port: 0, secret: "bench-secret" } }),
    });
    return {
      send: (id) => node.send(counter.ref(id), { type: "increment" }),
      count: async (id) => countOf((await node.get(counter.ref(id))).state),
      close: () => node.stop(),
    };
  }

  /** A node that subscribes, and what it is to be given. */
  async openReader(server: Pick<Server, "url">, network: string, perCommit: number) {
    const { Pachyderm, defineEntity } = this.#face;
    const counter = defineEntity({
      type: "counter",
      init: () => ({ count: 0 }),
      handle: ({ at }: { readonly at?: number }) =>
        Array.from({ length: perCommit }, () => ({
          type: "increased",
          amount: 1,
          ...(at === undefined ? {} : { at }),
        })),
      update: (event: { amount: number }, state: { count: number }) => ({
        count: state.count + event.amount,
      }),
    });
    const node = await Pachyderm.start({ entities: [counter], redis: server.url, network, log: true });
    const ids = Array.from({ length: 1_000 }, () => this.newId());
    const send = (i: number, at?: number) =>
      node.send(counter.ref(ids[i % ids.length] ?? ""), {
        type: "increment",
        ...(at === undefined ? {} : { at }),
      });
    let made = 0;
    return {
      fill: (commits: number) => each(commits, 256, (i) => send(i)),
      /** From the start to the end, by a handler that counts. */
      async catchUp(events: number, batch: number | undefined): Promise<number> {
        const { promise, resolve } = Promise.withResolvers<void>();
        let count = 0;
        const saw = (more: number): void => {
          count += more;
          if (count >= events) resolve();
        };
        const handle = batch === undefined ? () => saw(1) : (all: readonly unknown[]) => saw(all.length);
        made += 1;
        const subscription = await node.subscribe({
          name: `bench-${made}`,
          handle,
          ...(batch === undefined ? {} : { batch }),
        });
        await promise;
        const caught = count;
        void subscription.remove();
        return caught;
      },
      /** Milliseconds from each send to its handler. */
      async live(perSecond: number, ms: number, tickMs: number): Promise<readonly number[]> {
        const delays: number[] = [];
        made += 1;
        const subscription = await node.subscribe({
          name: `live-${made}`,
          from: "now",
          handle: ({ event }: { readonly event: { readonly at: number } }) =>
            void delays.push(performance.now() - event.at),
        });
        const start = performance.now();
        const sends: Promise<unknown>[] = [];
        while (performance.now() - start < ms) {
          const due = Math.floor(((performance.now() - start) * perSecond) / 1_000);
          while (sends.length < due) sends.push(send(sends.length, performance.now()));
          await new Promise((resolve) => setTimeout(resolve, tickMs));
        }
        await Promise.all(sends);
        while (delays.length < sends.length) await new Promise((resolve) => setTimeout(resolve, 5));
        await subscription.remove();
        return delays;
      },
      close: () => node.stop(),
    };
  }

  /** A node with so many entities, whose rows have a number each of its own, one of seven texts, and a boolean. */
  async openFinder(server: Pick<Server, "url">, entities: number) {
    const { Pachyderm, defineEntity } = this.#face;
    const thing = defineEntity({
      type: "thing",
      init: () => ({ n: 0 }),
      handle: ({ n }: { readonly n: number }) => [{ type: "numbered", n }],
      update: ({ n }: { readonly n: number }) => ({ n }),
      views: {
        by: {
          row: ({ n }: { readonly n: number }) => ({ n, word: `word ${n % 7}`, odd: n % 2 === 1 }),
          index: ["n", "odd", "word"],
        },
      },
    });
    const node = await Pachyderm.start({ entities: [thing], redis: server.url, network: "bench-find" });
    await each(entities, 256, (n) => node.send(thing.ref(this.newId()), { type: "number", n }));
    return { view: node.view(thing, "by"), close: () => node.stop() };
  }

  /** From a `tell` to the receiver's commit, whose effect says that it is done. */
  async openTeller(server: Pick<Server, "url">) {
    const { Pachyderm, defineEntity, defineEffect, tell } = this.#face;
    const waiting = new Map<string, () => void>();
    const done = defineEffect({ name: "done", dispatch: (key: string) => waiting.get(key)?.() });
    const person = defineEntity({
      type: "person",
      init: () => ({ count: 0 }),
      handle: ({ to, key }: { readonly to?: string; readonly key: string }) => ({
        events: [{ type: "increased", amount: 1 }],
        effects: [to === undefined ? done(key) : tell({ type: "person", id: to }, { type: "hear", key })],
      }),
      update: (event: { amount: number }, state: { count: number }) => ({
        count: state.count + event.amount,
      }),
    });
    const options = { entities: [person], effects: [done], redis: server.url, network: "bench-tell" };
    const node = await Pachyderm.start({ ...options, effectConcurrency: 10_000 });
    const senders = Array.from({ length: 1_000 }, () => this.newId());
    let told = 0;
    return {
      async tell(to: string, key: string): Promise<void> {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.set(key, resolve);
        const message = { type: "tell", to, key };
        await node.send(person.ref(senders[told++ % senders.length] ?? ""), message);
        await promise;
        waiting.delete(key);
      },
      close: () => node.stop(),
    };
  }

  #counter(
    snapshot: boolean,
    timers: boolean,
    mark: ((payload: unknown) => unknown) | null,
    view?: Settings["view"],
  ): Counter {
    const { schedule, cancel } = this.#face;
    const message = { type: "increment" };
    const increased = [{ type: "increased", amount: 1 }];
    return this.#face.defineEntity({
      type: "counter",
      init: () => ({ count: 0 }),
      handle: timers
        ? (_message: unknown, { count }: { count: number }) => ({
            events: increased,
            effects: [count % 2 === 0 ? schedule({ name: "later", after: "7d", message }) : cancel("later")],
          })
        : () => (mark === null ? increased : { events: increased, effects: [mark({ n: 1 })] }),
      update: (event: { amount: number }, state: { count: number }) => ({
        count: state.count + event.amount,
      }),
      ...(snapshot ? {} : { snapshot: false }),
      ...(view === undefined ? {} : { views: { by: view === "changes" ? changing : staying } }),
    });
  }
}

const changing = { row: ({ count }: { count: number }) => ({ count }), index: ["count"] };
const staying = { row: () => ({ count: 1 }), index: ["count"] };

function countOf(state: unknown): number {
  if (typeof state === "object" && state !== null && "count" in state && typeof state.count === "number") {
    return state.count;
  }
  throw new Error(`not the counter's state: ${JSON.stringify(state)}`);
}
