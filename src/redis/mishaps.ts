// What retention, a lost write and a stranger would do to a network's data: for whoever holds a Redis to the laws.

import type { Commit, EntityKey } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import type { Client } from "./script.ts";

export class Mishaps {
  readonly #client: Client;
  readonly #space: KeySpace;

  constructor(client: Client, space: KeySpace) {
    this.#client = client;
    this.#space = space;
  }

  /** Retention: takes away the records before `keepFrom`. */
  async trim(key: EntityKey, keepFrom: number): Promise<void> {
    await this.#client.xtrim(this.#space.stream(key), "MINID", `${keepFrom}-0`);
  }

  /**
   * A server that lost its last writes: the stream is written anew, as it was then. Deleting entries would leave its last
   * id where it is, and refuse them again.
   */
  async rollBack(key: EntityKey, version: number): Promise<void> {
    const stream = this.#space.stream(key);
    const kept = version === 0 ? [] : await this.#client.xrange(stream, "-", `${version}-0`);
    const again = this.#client.multi().del(stream);
    for (const [id, fields] of kept) again.xadd(stream, id, ...fields);
    await again.exec();
    await this.#client.del(this.#space.tip(key.partition)); // who wrote there last was lost as well
  }

  /** All keys that a commit may read or write. */
  keysOf({ key, receipts }: Commit): readonly string[] {
    const space = this.#space;
    const { partition } = key;
    const ofEntity = [space.stream(key), space.snapshot(key), space.timers(key)];
    const ofPartition = [space.tip(partition), space.log(partition), space.due(partition)];
    return [...ofEntity, ...ofPartition, ...receipts.map((step) => space.receipt(key, step))];
  }

  /** Puts something that is not Pachyderm's in place of the entity's records, its snapshot or its timers. */
  async spoil(key: EntityKey, part: "records" | "snapshot" | "timers"): Promise<void> {
    const space = this.#space;
    const names = { records: space.stream(key), snapshot: space.snapshot(key), timers: space.timers(key) };
    await this.#client.set(names[part], "something else");
  }

  /** Puts a text in the place of a timer; null: takes it away. */
  async spoilTimer(key: EntityKey, name: string, text: string | null): Promise<void> {
    if (text === null) await this.#client.hdel(this.#space.timers(key), name);
    else await this.#client.hset(this.#space.timers(key), name, text);
  }
}
