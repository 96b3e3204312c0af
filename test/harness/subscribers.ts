// Nodes in processes of their own that share a subscription and send, and the files that tell what they were given.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newId } from "../../src/index.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { parseLogEntry } from "../../src/redis/log-format.ts";
import type { StreamEntry } from "../../src/redis/record-format.ts";
import type { SubscriberOrder } from "../programs/subscriber.ts";
import { Deliveries, type Delivery } from "./deliveries.ts";
import { freePort } from "./free-port.ts";
import { Program } from "./program.ts";
import type { RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

export const PARTITIONS = 8;
export const NODES = 3;

export interface StageOptions {
  readonly server: RedisServer;
  readonly folder: string;
  readonly entities: number;
  /** Events that each node makes in a second. */
  readonly perSecond: number;
}

/** An event in a partition's log: in which entry, and as which of its records. */
export interface Logged extends Delivery {
  readonly entry: string;
  readonly number: number;
}

/** A node that stays in a batch. */
export interface Held {
  readonly node: Program;
  /** Lets it go on; settles when the batch's handler has returned. */
  free(): Promise<void>;
}

export class Stage {
  readonly network = `killed-${newId().slice(-12)}`;
  readonly ids: readonly string[];
  readonly delivered: Deliveries;
  readonly nodes: Program[] = [];
  readonly #options: StageOptions;
  readonly #file: string;
  readonly #followed: Deliveries[] = [];
  #orders = 0;

  constructor(options: StageOptions) {
    this.#options = options;
    this.ids = Array.from({ length: options.entities }, () => newId());
    this.#file = join(options.folder, `${this.network}-delivered`);
    writeFileSync(this.#file, "");
    this.delivered = new Deliveries(this.#file);
  }

  /** @param follow ids to follow, from behind what is written down of them */
  async start(place: number, follow: readonly string[] = []): Promise<void> {
    const { server, folder, perSecond } = this.#options;
    const port = await freePort();
    const cluster = { port, advertise: `127.0.0.1:${port}`, secret: "the secret of a test", leaseMs: 500 };
    const from = new Map(this.followed().map(({ id, version }) => [id, version + 1]));
    const followed = join(folder, `${this.network}-${this.#followed.length}`);
    writeFileSync(followed, "");
    this.#followed.push(new Deliveries(followed));
    const order: SubscriberOrder = {
      start: { redis: server.url, network: this.network, partitions: PARTITIONS, cluster },
      delivered: this.#file,
      followed,
      follow: follow.map((id) => [id, from.get(id) ?? 1]),
      ids: this.ids,
      perSecond,
    };
    const program = new Program("subscriber", order);
    this.nodes[place] = program;
    await program.prints("started", 60_000);
  }

  async kill(place: number): Promise<void> {
    this.nodes[place]?.kill();
    await this.nodes[place]?.ended(10_000);
  }

  /** Has a node stay in a batch that it is given: whichever is first, for one may own nothing. */
  async hold(): Promise<Held> {
    const order = ++this.#orders;
    const isHeld = new RegExp(`^held ${order} \\d+$`, "m");
    for (const node of this.nodes) node.say(`hold ${order}`);
    await until("a node is held", () => this.nodes.some(({ stdout }) => isHeld.test(stdout)), 60_000);
    const node = this.nodes.find(({ stdout }) => isHeld.test(stdout));
    if (node === undefined) throw new Error("no node is held");
    for (const other of this.nodes) if (other !== node) other.say(`free ${order}`);
    const free = async (): Promise<void> => {
      node.say(`free ${order}`);
      await node.prints(`freed ${order}`, 60_000);
    };
    return { node, free };
  }

  /** In the order of the nodes' lives: what one follower saw, and then whoever took its place. */
  followed(): readonly Delivery[] {
    return this.#followed.flatMap((file) => file.all());
  }

  /** How many were followed, repeated ones too. */
  get followedCount(): number {
    return this.#followed.reduce((sum, file) => sum + file.all().length, 0);
  }

  /** Ends the load: settles when all that was sent is answered, or given up. */
  async quiet(): Promise<void> {
    for (const node of this.nodes) node.say("quiet");
    await Promise.all(this.nodes.map((node) => node.prints("quiet", 30_000)));
  }

  /** Ends the nodes. How each of them ended. */
  async stop(): Promise<readonly (number | null)[]> {
    for (const node of this.nodes) node.say("stop");
    return await Promise.all(this.nodes.map(async (node) => (await node.ended(30_000)).code));
  }

  /** The log of each partition, event by event, in order. */
  async log(): Promise<readonly (readonly Logged[])[]> {
    const keys = new KeySpace(this.network, PARTITIONS);
    return await this.#options.server.ask(async (redis) => {
      const partitions: (readonly Logged[])[] = [];
      for (let partition = 0; partition < PARTITIONS; partition++)
        partitions.push(eventsOf((await redis.xrange(keys.log(partition), "-", "+")) as StreamEntry[]));
      return partitions;
    });
  }
}

function eventsOf(entries: readonly StreamEntry[]): readonly Logged[] {
  const logged: Logged[] = [];
  for (const stored of entries) {
    const read = parseLogEntry(stored);
    if (read === undefined) throw new Error(`the entry ${stored[0]} is none of a log`);
    let number = 0;
    for (const { id, first, count } of read.lines)
      for (let version = first; version < first + count; version++)
        logged.push({ id, version, entry: read.entry, number: ++number });
  }
  return logged;
}
