// A cluster of node processes on a private Redis, with verbs for what can befall it. Between any two nodes, and between a
// node and Redis, stands a line that can be cut, where that is asked for.

import { isDeepStrictEqual } from "node:util";
import { rank } from "../../src/core/rank.ts";
import { type ClusterOptions, Pachyderm, type StartOptions } from "../../src/index.ts";
import type { NodeView, SlowOrder } from "../programs/cluster-node.ts";
import { checkCluster } from "./cluster-log.ts";
import { DoorProxy, type Rule } from "./door-proxy.ts";
import { freePort } from "./free-port.ts";
import type { LoadOrder, Told } from "./load.ts";
import { NodeProcess } from "./node-process.ts";
import { TcpProxy } from "./proxy.ts";
import type { RedisCluster } from "./redis-cluster.ts";
import { RedisServer } from "./redis-server.ts";
import { checkRows, checkShelves } from "./shelf-rows.ts";
import { until } from "./until.ts";

export interface ClusterSetup {
  readonly network: string;
  /** All lines can be cut: everything goes through this process, which costs time. Default false. */
  readonly cuttable?: boolean;
  /** Where their data are. Default: a server of its own. */
  readonly redis?: RedisServer | RedisCluster;
  /** For all nodes. */
  readonly start?: StartOptions;
  readonly cluster?: ClusterOptions;
  /** Each node that hosts has a slow subscription. Default: none. */
  readonly slow?: SlowOrder;
  /** Entity types that nodes host where nothing else is said. Default: ledgers and purses. */
  readonly types?: readonly string[];
}

export interface NodeSetup {
  /** Entity types that it hosts. Default: those of all nodes. */
  readonly types?: readonly string[];
  /** Default true. */
  readonly host?: boolean;
  /** The version of its code of shelves. Default 1. */
  readonly shelves?: number;
  /** By how much its wall clock is wrong, milliseconds. */
  readonly clockOffMs?: number;
}

interface Place {
  readonly node: NodeProcess;
  readonly door: DoorProxy | null;
  readonly redis: TcpProxy | null;
}

function isSettled(view: NodeView, members: readonly string[], owners: readonly unknown[]): boolean {
  return view.members.toSorted().join() === members.join() && view.owners.join() === owners.join();
}

const SECRET = "the secret of a test";
const PORT_TRIES = 3;

export class TestCluster {
  readonly redis: RedisServer | RedisCluster;
  readonly #setup: ClusterSetup;
  readonly #places = new Map<string, Place>();
  /** By "from>to", ids of nodes. */
  readonly #rules = new Map<string, Rule>();
  readonly #ruleOf = (from: string, to: string): Rule => this.#rules.get(`${from}>${to}`) ?? "pass";
  /** Nodes that were started, so that each has a name of its own in what it writes; and loads, likewise. */
  #started = 0;
  #loads = 0;
  /** All that senders were ever told. */
  readonly #told: Told[] = [];
  readonly #ids = new Set<string>();
  readonly #shelves = new Set<string>();

  private constructor(redis: RedisServer | RedisCluster, setup: ClusterSetup) {
    this.redis = redis;
    this.#setup = setup;
  }

  /** A Redis, and these nodes; all know each other, and every partition has its owner, when this settles. */
  static async start(setup: ClusterSetup, names: readonly string[]): Promise<TestCluster> {
    const cluster = new TestCluster(setup.redis ?? (await RedisServer.start()), setup);
    await Promise.all(names.map((name) => cluster.add(name)));
    await cluster.settled();
    return cluster;
  }

  get network(): string {
    return this.#setup.network;
  }

  node(name: string): NodeProcess {
    return this.#place(name).node;
  }

  get nodes(): readonly NodeProcess[] {
    return [...this.#places.values()].map(({ node }) => node);
  }

  /** Starts another node, or one again under a name whose node has ended. */
  async add(name: string, setup: NodeSetup = {}): Promise<NodeProcess> {
    const { cuttable = false } = this.#setup;
    const { door: oldDoor, redis: oldRedis } = this.#places.get(name) ?? {};
    const door = oldDoor ?? (cuttable ? await DoorProxy.start(this.#ruleOf) : null);
    const redis = oldRedis ?? (cuttable ? await TcpProxy.start(this.redis.port) : null);
    const node = await this.#spawn(name, setup, door, redis);
    this.#places.set(name, { node, door, redis });
    return node;
  }

  /** A node in this very process: it knows these entities, and hosts none. Whoever asked for it stops it. */
  async user(entities: NonNullable<StartOptions["entities"]>): Promise<Pachyderm> {
    const { network, start, cluster } = this.#setup;
    return await Pachyderm.start({
      redis: this.redis.url,
      network,
      host: false,
      ...start,
      entities,
      cluster: { port: 0, secret: SECRET, ...cluster },
    });
  }

  /** SIGKILL: it is gone when this settles, and another may be started under its name. */
  async kill(name: string): Promise<void> {
    await this.node(name).end();
  }

  /** All nodes that run know just each other, and each partition is with the first of them in rank. */
  async settled(longestMs = 20_000): Promise<void> {
    await until(
      "all nodes know the same nodes and owners",
      async () => {
        const nodes = this.nodes.filter(({ runs }) => runs);
        const members = nodes.flatMap(({ id }) => id ?? []).toSorted();
        const views = await Promise.all(nodes.map((node) => node.view()));
        const owners = (views[0]?.owners ?? []).map((_, partition) => rank(partition, members)[0]);
        const owned = views.reduce((sum, view) => sum + view.owned, 0);
        if (owned === owners.length && views.every((view) => isSettled(view, members, owners))) return true;
        throw new Error(JSON.stringify({ owners, views })); // what to look at where it never comes
      },
      longestMs,
    );
  }

  /** Senders on each of these nodes, until `finish`. */
  async load(
    names: readonly string[],
    order: Omit<LoadOrder, "name" | "type"> & { type?: string },
  ): Promise<void> {
    this.#loads += 1;
    for (const id of order.ids) this.#ids.add(id);
    if (order.type === "shelf") for (const id of order.ids) this.#shelves.add(id);
    const load = (name: string): LoadOrder => ({ type: "ledger", ...order, name: `${name}${this.#loads}` });
    await Promise.all(names.map((name) => this.node(name).load(load(name))));
  }

  /** Settles when each of these nodes' senders has had so many more answers. */
  async goesOn(names: readonly string[], answers: number, longestMs = 20_000): Promise<void> {
    const counts = () => Promise.all(names.map(async (name) => (await this.node(name).view()).answered));
    const before = await counts();
    const isEnough = async () => (await counts()).every((count, i) => count >= (before[i] ?? 0) + answers);
    await until(`the senders of ${names.join()} have had ${answers} answers more`, isEnough, longestMs);
  }

  /** Ends the load of these nodes: what its senders were told. */
  async finish(names: readonly string[]): Promise<readonly Told[]> {
    return this.keep((await Promise.all(names.map((name) => this.node(name).finish()))).flat());
  }

  /** Ends a node in an orderly way, with its load. */
  async stopNode(name: string): Promise<readonly Told[]> {
    return this.keep(await this.node(name).stop());
  }

  /** Takes what senders were told into the books. */
  keep(told: readonly Told[]): readonly Told[] {
    for (const one of told) this.#told.push(one);
    return told;
  }

  /**
   * All that is wrong between everything that senders were told and the log, between rows of views and the log, and
   * whatever nodes have complained of.
   */
  async check(): Promise<readonly string[]> {
    const complaints = this.nodes.map(({ stderr }) => stderr).filter((stderr) => stderr !== "");
    const ids = [...this.#ids];
    const problems = await this.redis.ask((redis) => checkCluster(redis, this.network, ids, this.#told));
    return [...complaints, ...problems, ...(this.#shelves.size > 0 ? await this.#checkViews() : [])];
  }

  /**
   * As they stand in Redis, and as each node reads them. A message whose sender gave up may still be committed, between the
   * two: then the streams are others after the nodes have read, and all is read once more.
   */
  async #checkViews(): Promise<readonly string[]> {
    const ids = [...this.#shelves].toSorted();
    const nodes = this.nodes.filter(({ runs }) => runs);
    const look = () => this.redis.ask((redis) => checkShelves(redis, this.network, ids));
    let found = await look();
    const problems: string[] = [];
    await until("nothing is committed any more", async () => {
      const { states } = found;
      const read = await Promise.all(
        nodes.map(async (node) => ({ name: node.name, rows: await node.rows(ids) })),
      );
      found = await look();
      if (!isDeepStrictEqual(found.states, states)) return false;
      for (const { name, rows } of read)
        problems.push(...checkRows(states, ids, rows).map((problem) => `${name}: ${problem}`));
      return true;
    });
    return [...found.problems, ...problems];
  }

  /** Between two nodes; `oneWay`: only what the first one says to the second. */
  cut(from: string, to: string, rule: "swallow" | "reset", { oneWay = false } = {}): void {
    const [a, b] = [this.node(from).id, this.node(to).id];
    this.#rules.set(`${a}>${b}`, rule);
    if (!oneWay) this.#rules.set(`${b}>${a}`, rule);
    this.#apply();
  }

  cutRedis(name: string, rule: "swallow" | "reset"): void {
    const { redis } = this.#place(name);
    if (rule === "swallow") redis?.blackhole();
    else redis?.refuse();
  }

  /** What a node has said to Redis so far. */
  redisBytes(name: string): number {
    return this.#place(name).redis?.bytesAsked ?? Number.NaN;
  }

  /** From everything: packets vanish, and nothing is reset. */
  blackhole(name: string): void {
    for (const other of this.#places.keys()) if (other !== name) this.cut(name, other, "swallow");
    this.cutRedis(name, "swallow");
  }

  /** All lines are whole again. */
  heal(): void {
    this.#rules.clear();
    this.#apply();
    for (const { redis } of this.#places.values()) redis?.heal();
  }

  async stop(): Promise<void> {
    for (const { node, door, redis } of this.#places.values()) {
      await node.end();
      await door?.stop();
      await redis?.stop();
    }
    await this.redis.stop();
  }

  #apply(): void {
    for (const { door } of this.#places.values()) door?.apply();
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`there is no node ${name}`);
    return place;
  }

  async #spawn(
    name: string,
    { types = this.#setup.types ?? ["ledger", "purse"], host = true, shelves = 1, clockOffMs = 0 }: NodeSetup,
    door: DoorProxy | null,
    redis: TcpProxy | null,
  ): Promise<NodeProcess> {
    for (let tries = 1; ; tries++) {
      const port = await freePort();
      const advertise = door?.address ?? `127.0.0.1:${port}`;
      const start: StartOptions = {
        redis: redis?.url ?? this.redis.url,
        network: this.#setup.network,
        host,
        ...this.#setup.start,
        cluster: { port, advertise, secret: SECRET, ...this.#setup.cluster },
      };
      this.#started += 1;
      door?.leadTo(port); // others may knock before it says that it has started
      try {
        const slow = host ? (this.#setup.slow ?? null) : null;
        const order = { start, types, shelves, slow, clockOffMs };
        const node = await NodeProcess.start(`${name}#${this.#started}`, order);
        door?.know(node.id ?? "");
        return node;
      } catch (thrown) {
        const isTaken = /cannot listen for other nodes/.test(String(thrown)); // by another process, meanwhile
        if (!isTaken || tries === PORT_TRIES) throw thrown;
      }
    }
  }
}
