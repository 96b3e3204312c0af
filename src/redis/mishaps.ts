// What retention, a lost write and a stranger would do to a network's data: for whoever holds a Redis to the laws.

import type { LogLine } from "../core/log-entry.ts";
import { fieldsOf } from "../core/view.ts";
import type { Commit, EntityKey } from "../ports/event-store.ts";
import type { ViewKey } from "../ports/views.ts";
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

  /** A server that lost the last entries of a partition's log, and nothing else: written anew, as a stream of records is. */
  async rollBackLog(partition: number, entry: string): Promise<void> {
    const log = this.#space.log(partition);
    const kept = entry === "0-0" ? [] : await this.#client.xrange(log, "-", entry);
    const again = this.#client.multi().del(log);
    for (const [id, fields] of kept) again.xadd(log, id, ...fields);
    await again.exec();
  }

  /** Writes an entry of a partition's log as a call would that named these lines. */
  async plantEntry(partition: number, callId: string, lines: readonly LogLine[]): Promise<void> {
    const text = lines.map(({ id, type, first, count }) => `${id} ${type} ${first} ${count}`).join("\n");
    await this.#client.xadd(this.#space.log(partition), "*", "r", `1 ${callId}\n${text}`);
  }

  /** Puts something that is not Pachyderm's in place of a partition's log, or of a subscription's cursor there. */
  async spoilLog(partition: number, part: "log" | { readonly cursor: string }): Promise<void> {
    const space = this.#space;
    const key = part === "log" ? space.log(partition) : space.cursor(part.cursor, partition);
    await this.#client.set(key, "something else");
  }

  /** Likewise of a view's rows, its first index, or the list of schemas. */
  async spoilView(
    partition: number,
    { table, schema }: ViewKey,
    part: "rows" | "index" | "schemas" | "behind",
  ): Promise<void> {
    const space = this.#space;
    const [field = ""] = fieldsOf(schema);
    const keys = {
      rows: space.viewRows(partition, table, schema),
      index: space.viewIndex(partition, table, schema, field),
      schemas: space.viewTables(partition),
      behind: space.viewBehind(partition, table, schema),
    };
    await this.#client.set(keys[part], "something else");
  }

  /** Puts a text in the place of a timer; null: takes it away. */
  async spoilTimer(key: EntityKey, name: string, text: string | null): Promise<void> {
    if (text === null) await this.#client.hdel(this.#space.timers(key), name);
    else await this.#client.hset(this.#space.timers(key), name, text);
  }
}
