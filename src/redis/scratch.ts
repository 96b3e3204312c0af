// Networks that are made to be tried out, and removed: what a node would open on them, and what would befall their data.

import type { Clock } from "../ports/clock.ts";
import { Connector, type RedisInput } from "./connection.ts";
import type { RedisEventStore } from "./event-store.ts";
import { keysLike, removeKeys } from "./key-walk.ts";
import { KeySpace, metaKey } from "./keys.ts";
import { Mishaps } from "./mishaps.ts";
import { type Opened, openRedis } from "./open.ts";
import { connect, withDeadline } from "./reach.ts";
import { openRegistry, type Registry } from "./registry.ts";
import type { Client } from "./script.ts";

export interface ScratchOptions {
  readonly redis: RedisInput;
  /** Of the stores; a registry may be of another one. */
  readonly network: string;
  readonly clock: Clock;
  readonly nextId: () => string;
  /** Milliseconds until anything that is opened is given up. */
  readonly timeoutMs: number;
}

const PARTITIONS = 8;
/** A time that has not come for as long as there is Redis, epoch ms. */
const NEVER = 9_000_000_000_000;

export class Scratch {
  readonly partitions = PARTITIONS;
  readonly isCluster: boolean;
  /** Of the network of the stores. */
  readonly mishaps: Mishaps;
  readonly #options: ScratchOptions;
  readonly #client: Client;
  readonly #networks: Set<string>;

  private constructor(options: ScratchOptions, client: Client, isCluster: boolean) {
    this.#options = options;
    this.#client = client;
    this.isCluster = isCluster;
    this.mishaps = new Mishaps(client, new KeySpace(options.network, PARTITIONS));
    this.#networks = new Set([options.network]);
  }

  /** @throws PachydermError STORE_UNAVAILABLE, UNAUTHORIZED, INVALID_OPTIONS */
  static async open(options: ScratchOptions): Promise<Scratch> {
    const connector = new Connector(options.redis);
    const client = connector.client("scratch");
    await withDeadline(connect(client), options.timeoutMs, [client]).catch((thrown: unknown) => {
      client.disconnect();
      throw thrown;
    });
    return new Scratch(options, client, connector.isCluster);
  }

  /** Another store on the same data, opened as a node opens it. */
  async openStore(): Promise<RedisEventStore> {
    return (await this.openTimers()).store;
  }

  /** Another store on the same data, and the timers that its commits set. */
  async openTimers(): Promise<Pick<Opened, "store" | "timers">> {
    const settings = { partitions: PARTITIONS, log: true, lookbackMs: 60_000 };
    return await openRedis({ ...this.#options, settings });
  }

  /** Another client of a network of its own, likewise; `durable`: its commits may put jobs on queues. */
  async openNetwork(network: string, durable = false): Promise<Opened> {
    this.#networks.add(network);
    const settings = { partitions: PARTITIONS, log: true, lookbackMs: 60_000 };
    return await openRedis({ ...this.#options, network, settings, durable });
  }

  mishapsOf(network: string): Mishaps {
    return new Mishaps(this.#client, new KeySpace(network, PARTITIONS));
  }

  /** Another node's registry, likewise. */
  async openRegistry(network: string, leaseMs: number): Promise<Registry> {
    this.#networks.add(network);
    return await openRegistry({ ...this.#options, network, partitions: PARTITIONS, leaseMs });
  }

  /** Puts a text in the place of a member that lives. */
  async plant(network: string, id: string, text: string): Promise<void> {
    await this.#client.hset(metaKey(network, "nodes"), id, text);
    await this.#client.zadd(metaKey(network, "beats"), NEVER, id);
  }

  /** Milliseconds that the server still keeps the claim on a partition; 0: it is free. */
  async remaining(network: string, partition: number): Promise<number> {
    return Math.max(0, await this.#client.pttl(new KeySpace(network, PARTITIONS).lease(partition)));
  }

  /** Ends the claim on a partition as its time would. */
  async end(network: string, partition: number): Promise<void> {
    await this.#client.del(new KeySpace(network, PARTITIONS).lease(partition));
  }

  /**
   * Removes all keys of all its networks, and lets go of its connection.
   * @returns how many keys there were
   * @throws Error of ioredis: what it could not remove is left
   */
  async remove(): Promise<number> {
    let removed = 0;
    try {
      // Looked for, and not remembered: then nothing can be forgotten, whatever a commit comes to write one day.
      for await (const keys of keysLike(this.#client, "{*")) {
        removed += await removeKeys(
          this.#client,
          keys.filter((key) => this.#isOurs(key)),
        );
      }
      return removed;
    } finally {
      this.#client.disconnect();
    }
  }

  #isOurs(key: string): boolean {
    return this.#networks.has(key.slice(1, key.indexOf(":")));
  }
}
