// The networks on a Redis, for whoever runs it: which there are, and how one is removed.

import { PachydermError } from "../core/errors.ts";
import { Connector, type RedisInput } from "./connection.ts";
import { keysLike, removeKeys } from "./key-walk.ts";
import { KeySpace, metaKey } from "./keys.ts";
import { connect, withDeadline } from "./reach.ts";
import type { Client } from "./script.ts";

/** A network as it is found. */
export interface NetworkFacts {
  readonly network: string;
  /** The settings that all its nodes share; null where they cannot be read. */
  readonly settings: { readonly partitions: number; readonly [name: string]: unknown } | null;
  /** Nodes of a cluster that live now. Those that are not clustered are not seen. */
  readonly nodes: number;
  /** Entities that have records; null where the settings cannot be read. */
  readonly entities: number | null;
}

const SETTINGS = metaKey("*");
/** One question, or one page of a walk, may take so long, milliseconds. */
const CALL_MS = 5_000;
/** Walks that each find something more: then somebody writes as fast as it is removed. */
const MOST_WALKS = 20;

export class Networks {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** @throws PachydermError STORE_UNAVAILABLE, UNAUTHORIZED, INVALID_OPTIONS */
  static async open(redis: RedisInput, timeoutMs: number): Promise<Networks> {
    const client = new Connector(redis).client("networks");
    try {
      await withDeadline(connect(client), timeoutMs, [client]);
      return new Networks(client);
    } catch (thrown) {
      client.disconnect();
      throw thrown;
    }
  }

  /** All of them, by name. Walks all keys of the Redis, in pages. */
  async list(): Promise<readonly NetworkFacts[]> {
    const names = new Set<string>();
    for await (const keys of this.#pages(SETTINGS)) {
      for (const key of keys) names.add(key.slice(1, key.indexOf(":")));
    }
    return await Promise.all([...names].toSorted().map((network) => this.facts(network)));
  }

  async facts(network: string): Promise<NetworkFacts> {
    const asked = Promise.all([this.#client.get(metaKey(network)), this.#client.time()]);
    const [text, [seconds]] = await this.#within(asked);
    const now = Number(seconds) * 1_000;
    const nodes = await this.#within(this.#client.zcount(metaKey(network, "beats"), now, "+inf"));
    const settings = settingsOf(text);
    const entities = settings === null ? null : await this.#entities(network, settings.partitions);
    return { network, settings, nodes, entities };
  }

  /**
   * Removes all keys of a network. What makes it a network goes last, so that none with other settings is made meanwhile.
   * @returns how many keys there were
   * @throws PachydermError INVALID_OPTIONS: there is none of this name, or nodes of it live; STORE_UNAVAILABLE. What was
   * removed until then is gone, and the rest is removed when it is said again.
   */
  async destroy(network: string): Promise<number> {
    const { nodes } = await this.known(network);
    if (nodes > 0) throw invalid(`${nodes} nodes of the network ${network} live: stop them first`);
    let removed = 0;
    // A node that is not clustered is not seen; what it writes meanwhile is found by another walk.
    for (let found = 1, walks = 0; found > 0; removed += found, walks++) {
      if (walks === MOST_WALKS) throw invalid(stillWritten(network));
      found = 0;
      for await (const keys of this.#pages(`{${network}:*`)) {
        const own = keys.filter((key) => !key.startsWith(`{${network}:meta}:`));
        found += await this.#within(removeKeys(this.#client, own));
      }
    }
    for await (const keys of this.#pages(`{${network}:meta}:*`)) {
      removed += await this.#within(removeKeys(this.#client, keys));
    }
    return removed;
  }

  close(): void {
    this.#client.disconnect();
  }

  /** @throws PachydermError INVALID_OPTIONS: there is none of this name */
  async known(network: string): Promise<NetworkFacts> {
    if (!/^[a-z0-9-]{1,40}$/.test(network))
      throw invalid("a network is 1 to 40 of the characters a-z, 0-9 and -");
    if ((await this.#within(this.#client.exists(metaKey(network)))) === 1) return await this.facts(network);
    throw invalid(`there is no network ${network} on this Redis`);
  }

  async #entities(network: string, partitions: number): Promise<number> {
    const space = new KeySpace(network, partitions);
    let entities = 0;
    for (let partition = 0; partition < partitions; partition++)
      entities += await this.#within(this.#client.zcard(space.ids(partition)));
    return entities;
  }

  async *#pages(pattern: string): AsyncGenerator<readonly string[]> {
    const pages = keysLike(this.#client, pattern);
    for (;;) {
      const page = await this.#within(pages.next());
      if (page.done === true) return;
      yield page.value;
    }
  }

  #within<T>(work: Promise<T>): Promise<T> {
    return withDeadline(work, CALL_MS, [this.#client]);
  }
}

function settingsOf(text: string | null): NetworkFacts["settings"] {
  try {
    const settings = JSON.parse(text ?? "") as NetworkFacts["settings"];
    return Number.isSafeInteger(settings?.partitions) ? settings : null;
  } catch {
    return null; // somebody's own key, or of a later version: it is shown as such
  }
}

function stillWritten(network: string): string {
  return (
    `a node goes on writing to the network ${network}: one that is not clustered, and so is not seen among its nodes. ` +
    "Stop it, and remove the network again"
  );
}

function invalid(message: string): PachydermError {
  return new PachydermError("INVALID_OPTIONS", message);
}
