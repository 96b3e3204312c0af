// What retention may have taken away, by a model: it looks at the streams again and again, remembers each record that ever
// stood there, and says of each that is gone whether somebody may still have needed it.

import type { Redis } from "ioredis";
import { partitionOf } from "../../src/core/partition.ts";
import type { StoredRecord } from "../../src/core/record.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { parseEntry, type StreamEntry } from "../../src/redis/record-format.ts";
import type { Deliveries } from "./deliveries.ts";
import type { RedisServer } from "./redis-server.ts";

export interface ModelSetup {
  readonly server: RedisServer;
  readonly network: string;
  readonly partitions: number;
  readonly ids: readonly string[];
  readonly keepEvents: number;
  /** Milliseconds for which attempts look back, with both margins. */
  readonly youngMs: number;
  /** Everything that the subscription was given, written down before its cursor moves past it. */
  readonly delivered: Deliveries;
}

/** One entity as it stood in Redis. */
interface Seen {
  readonly id: string;
  /** Behind the last one that is known. */
  readonly fresh: readonly StoredRecord[];
  /** Version of the first record that is kept; 0: there is none. */
  readonly first: number;
  /** Version of the snapshot; 0: there is none. */
  readonly snapshot: number;
}

const MOST_PROBLEMS = 20;
const PAUSE_MS = 20;

export class RetentionModel {
  readonly problems: string[] = [];
  /** All records that ever were, by entity, in order. */
  readonly records = new Map<string, StoredRecord[]>();
  /** How each entity stood when it was last looked at. */
  readonly #last = new Map<string, Seen>();
  /** How often all entities were looked at. */
  looks = 0;
  readonly #setup: ModelSetup;
  readonly #space: KeySpace;
  readonly #watching: Promise<void>;
  /** How many deliveries were read, and the last version of each entity that is in them. */
  #read = 0;
  readonly #handled = new Map<string, number>();
  #over = false;

  constructor(setup: ModelSetup) {
    this.#setup = setup;
    this.#space = new KeySpace(setup.network, setup.partitions);
    for (const id of setup.ids) this.records.set(id, []);
    this.#watching = setup.server.ask((redis) => this.#watch(redis));
    this.#watching.catch(() => {}); // `end` tells
  }

  /** Records that are gone, of these entities. */
  gone(ids: readonly string[]): number {
    return ids.reduce((sum, id) => sum + Math.max(0, this.#firstOf(id) - 1), 0);
  }

  /** Of how many of these entities nothing is kept but what snapshot and `keepEvents` say. */
  done(ids: readonly string[]): number {
    const { keepEvents } = this.#setup;
    const isDone = (id: string) => this.#firstOf(id) === (this.#last.get(id)?.snapshot ?? 0) - keepEvents + 1;
    return ids.filter(isDone).length;
  }

  /** Looks a last time. */
  async end(): Promise<void> {
    this.#over = true;
    await this.#watching;
  }

  async #watch(redis: Redis): Promise<void> {
    const byPartition = Map.groupBy(this.#setup.ids, (id) => partitionOf(id, this.#setup.partitions));
    for (let isLast = false; !isLast; ) {
      isLast = this.#over;
      for (const [partition, ids] of byPartition) {
        const { now, seen } = await this.#look(redis, partition, ids);
        this.#readDeliveries(); // after Redis: what is gone there was delivered before
        for (const one of seen) this.#check(one, now);
      }
      this.looks += 1;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** A moment's view of a partition's entities, and Redis's time then, epoch ms. */
  async #look(redis: Redis, partition: number, ids: readonly string[]) {
    const multi = redis.multi().time();
    for (const id of ids) {
      const key = { id, partition };
      const known = this.records.get(id)?.at(-1)?.version ?? 0;
      multi.xrange(this.#space.stream(key), `${known + 1}-0`, "+");
      multi.xrange(this.#space.stream(key), "-", "+", "COUNT", 1);
      multi.hget(this.#space.snapshot(key), "version");
    }
    const replies = ((await multi.exec()) ?? []).map(([error, reply]) => {
      if (error !== null) throw error;
      return reply;
    });
    const [seconds = 0, micros = 0] = (replies.shift() as readonly string[]).map(Number);
    const seen = ids.map((id, i): Seen => {
      const [fresh, kept, snapshot] = replies.slice(3 * i, 3 * i + 3);
      const [first] = recordsOf(kept as readonly StreamEntry[]);
      return {
        id,
        fresh: recordsOf(fresh as readonly StreamEntry[]),
        first: first?.version ?? 0,
        snapshot: Number(snapshot),
      };
    });
    return { now: seconds * 1_000 + Math.floor(micros / 1_000), seen };
  }

  #readDeliveries(): void {
    const all = this.#setup.delivered.all();
    for (; this.#read < all.length; this.#read++) {
      const { id, version } = all[this.#read] ?? { id: "", version: 0 };
      const last = this.#handled.get(id) ?? 0;
      // Again, or the next one: what is left out stays out, so that whatever is behind it counts as not given.
      if (version === last + 1) this.#handled.set(id, version);
    }
  }

  #firstOf(id: string): number {
    return this.#last.get(id)?.first ?? 0;
  }

  #check(seen: Seen, now: number): void {
    const { id, fresh, first, snapshot } = seen;
    const records = this.records.get(id) ?? [];
    const wrong = (text: string): void => {
      if (this.problems.length < MOST_PROBLEMS) this.problems.push(`${id}: ${text}`);
    };
    for (const record of fresh) {
      const next = (records.at(-1)?.version ?? 0) + 1;
      if (record.version !== next) wrong(`${next} went before it was ever looked at`);
      records.push(record);
    }
    const last = records.at(-1)?.version ?? 0;
    if (first === 0 && last > 0) wrong(`all ${last} records are gone`);
    const before = this.#firstOf(id);
    if (first < before) wrong(`the first one is ${first}, and was ${before}`);
    this.#last.set(id, seen);
    if (first <= Math.max(1, before)) return; // nothing is gone since the last look
    const gone = records[first - 2];
    if (gone?.version !== first - 1) throw new Error(`the model has no record ${first - 1} of ${id}`);
    const { keepEvents, youngMs } = this.#setup;
    if (last - first + 1 < keepEvents) wrong(`${first} to ${last} are kept, and ${keepEvents} should be`);
    if (snapshot < first) wrong(`the snapshot is of ${snapshot}, and the first one is ${first}`);
    if (now - gone.at < youngMs) wrong(`${gone.version} is gone, ${now - gone.at} ms after its commit`);
    const handled = this.#handled.get(id) ?? 0;
    if (handled < gone.version) wrong(`${gone.version} is gone, and was not given to the subscription`);
  }
}

function recordsOf(entries: readonly StreamEntry[]): readonly StoredRecord[] {
  return entries.map((entry) => {
    const record = parseEntry(entry);
    if (record === undefined) throw new Error(`the entry ${entry[0]} is no record`);
    return record;
  });
}
