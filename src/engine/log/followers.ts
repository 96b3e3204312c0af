// All who follow entities from this node: one reader for each partition in which somebody is followed, however many follow.

import { freezeState } from "../../core/json.ts";
import { partitionOf } from "../../core/partition.ts";
import type { StoredRecord } from "../../core/record.ts";
import type { Recorded } from "../../core/recorded.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EventStore } from "../../ports/event-store.ts";
import type { LogReader } from "../../ports/log-reader.ts";
import type { Recorder } from "../recorder.ts";
import { Fanout } from "./fanout.ts";
import { Following, type FollowingParts } from "./following.ts";
import type { LogTail } from "./log-tail.ts";

export interface FollowersParts {
  readonly partitions: number;
  readonly store: EventStore;
  readonly reader: LogReader;
  readonly tail: LogTail;
  readonly recorder: Recorder;
  readonly clock: Clock;
}

/** What a follower says. */
export type FollowRequest = Pick<FollowingParts, "reference" | "from" | "after" | "signal" | "truncated">;

export class Followers {
  readonly #parts: FollowersParts;
  readonly #fanouts = new Map<number, Fanout>();
  readonly #following = new Set<Following>();
  /** Many follow one entity, often: its records are read into objects once. */
  readonly #recorded = new WeakMap<StoredRecord, Recorded>();

  constructor(parts: FollowersParts) {
    this.#parts = parts;
  }

  /** Who follows now. */
  get count(): number {
    return this.#following.size;
  }

  /** Partitions that are read for them. */
  get readers(): number {
    return this.#fanouts.size;
  }

  follow(request: FollowRequest): Following {
    const { store, clock, partitions, recorder } = this.#parts;
    const { reference } = request;
    const { id } = reference;
    const key = { id, partition: partitionOf(id, partitions) };
    return new Following({
      ...request,
      key,
      store,
      clock,
      recorded: (record) => this.#read(id, record),
      checkType: (record) => recorder.checkType(reference, record),
      join: async (follower) => {
        this.#following.add(follower);
        await this.#fanout(key.partition).add(id, follower);
      },
      leave: (follower) => {
        this.#following.delete(follower);
        this.#leave(key.partition, id, follower);
      },
    });
  }

  /** Ends all of them. */
  close(): void {
    for (const following of [...this.#following]) following.end();
    for (const fanout of this.#fanouts.values()) fanout.close();
    this.#fanouts.clear();
  }

  #fanout(partition: number): Fanout {
    const found = this.#fanouts.get(partition);
    if (found !== undefined) return found;
    const { reader, tail, clock } = this.#parts;
    const made = new Fanout({ reader, tail, clock, partition });
    this.#fanouts.set(partition, made);
    return made;
  }

  #leave(partition: number, id: string, follower: Following): void {
    const fanout = this.#fanouts.get(partition);
    fanout?.remove(id, follower);
    if (fanout?.isEmpty !== true) return;
    fanout.close();
    this.#fanouts.delete(partition);
  }

  #read(id: string, record: StoredRecord): Recorded {
    const found = this.#recorded.get(record);
    if (found !== undefined) return found;
    const recorded = this.#parts.recorder.recorded(id, record);
    freezeShared(recorded.event);
    this.#recorded.set(record, recorded);
    return recorded;
  }
}

/** One follower must not change what another sees. What an `upcast` made that is no plain JSON is left as it is. */
function freezeShared(event: unknown): void {
  try {
    freezeState(event);
  } catch {
    // Of a class of the program's own, a Date, say: whether it can be frozen is not known.
  }
}
