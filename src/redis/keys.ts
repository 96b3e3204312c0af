// The one file that builds keys. docs/redis.md is held to the table below by a test.

import calculateSlot from "cluster-key-slot";
import type { EntityKey, ReceiptStep } from "../ports/event-store.ts";

const SLOTS = 16_384;

/** Every kind of key, after the tag; for docs/redis.md. */
export const keyTable = {
  "e:<id>": "the records of an entity",
  "s:<id>": "its newest snapshot",
  tip: "the partition's tip: which script call wrote records to it last",
  log: "the partition's packed log",
  "r:<id>:<k, m or t>:<key>": "a receipt",
  "effects:<BullMQ's>": "the partition's queue of durable effects",
  t: "when each timer of the partition is due",
  "t:<id>": "the timers of an entity",
  ids: "the partition's entities: id and type of each that has records",
  fence: "written before a wait for disk or replicas: a wait is about what its own connection wrote",
  lease: "the partition's lease: who may keep its entities in memory",
  "c:<subscription>": "where a subscription stands in the partition",
  "p:<subscription>": "the rows of its projection",
  subscriptions: "the names of the subscriptions that have a cursor here",
  v: "which schemas of which views are there, built or being built",
  "v:<type>:<view>:<schema>": "the rows of a view",
  "v:<type>:<view>:<schema>:<field>": "an index of a view",
  "v:<type>:<view>:<schema>:?":
    "the entities whose row is behind: a commit of another schema's code came last",
} as const;

/** Every key and channel of a network as a whole, after `{<network>:meta}:`; for docs/redis.md. */
export const metaTable = {
  settings: "the settings that all nodes must share",
  nodes: "what each node tells of itself",
  beats: "until when each node lives",
  nudge: "a hint to all nodes that it is worth looking now",
} as const;

/**
 * The keys of one network. All keys of one partition begin with the same hash tag, `{<network>:<tag>}`, so they are
 * in one slot of a Redis Cluster: what one commit touches, one server has.
 */
export class KeySpace {
  readonly network: string;
  readonly #prefixes: readonly string[];

  /** @param tags given: of partitions that are none, for a trial */
  constructor(network: string, partitions: number, tags?: readonly string[]) {
    this.network = network;
    this.#prefixes = Array.from(
      { length: partitions },
      (_, p) => `{${network}:${tags?.[p] ?? tagOf(network, p, partitions)}}:`,
    );
  }

  stream({ id, partition }: EntityKey): string {
    return `${this.#prefix(partition)}e:${id}`;
  }

  snapshot({ id, partition }: EntityKey): string {
    return `${this.#prefix(partition)}s:${id}`;
  }

  tip(partition: number): string {
    return `${this.#prefix(partition)}tip`;
  }

  log(partition: number): string {
    return `${this.#prefix(partition)}log`;
  }

  receipt({ id, partition }: EntityKey, { kind, key }: Pick<ReceiptStep, "kind" | "key">): string {
    return `${this.#prefix(partition)}r:${id}:${kind}:${key}`;
  }

  /** What all keys of the partition's queue begin with, as BullMQ takes it: without the colon. */
  queuePrefix(partition: number): string {
    return this.#prefix(partition).slice(0, -1);
  }

  /** The partition's list of due times; its members are made of an entity's id, a space and a timer's name. */
  due(partition: number): string {
    return `${this.#prefix(partition)}t`;
  }

  timers({ id, partition }: EntityKey): string {
    return this.timersOf(partition) + id;
  }

  /** What the timers of all entities of a partition begin with: a script adds the id that it found. */
  timersOf(partition: number): string {
    return `${this.#prefix(partition)}t:`;
  }

  ids(partition: number): string {
    return `${this.#prefix(partition)}ids`;
  }

  fence(partition: number): string {
    return `${this.#prefix(partition)}fence`;
  }

  /** A pattern for SCAN: the receipts of callers' keys of an entity. Nothing in it is special in a pattern but the star. */
  keyReceipts({ id, partition }: EntityKey): string {
    return `${this.#prefix(partition)}r:${id}:k:*`;
  }

  lease(partition: number): string {
    return `${this.#prefix(partition)}lease`;
  }

  cursor(subscription: string, partition: number): string {
    return `${this.#prefix(partition)}c:${subscription}`;
  }

  rows(subscription: string, partition: number): string {
    return `${this.#prefix(partition)}p:${subscription}`;
  }

  subscriptions(partition: number): string {
    return `${this.#prefix(partition)}subscriptions`;
  }

  viewTables(partition: number): string {
    return `${this.#prefix(partition)}v`;
  }

  /** @param table `<entity type>:<view>`, neither of which has a colon in it */
  viewRows(partition: number, table: string, schema: string): string {
    return `${this.#prefix(partition)}v:${table}:${schema}`;
  }

  viewIndex(partition: number, table: string, schema: string, field: string): string {
    return `${this.viewRows(partition, table, schema)}:${field}`;
  }

  /** No field is called so. */
  viewBehind(partition: number, table: string, schema: string): string {
    return this.viewIndex(partition, table, schema, "?");
  }

  #prefix(partition: number): string {
    const prefix = this.#prefixes[partition];
    if (prefix === undefined) throw new RangeError(`partition ${partition} of ${this.#prefixes.length}`);
    return prefix;
  }
}

/** A key (`nudge`: a channel) of the network as a whole, of no partition; all of them are in one slot. */
export function metaKey(network: string, name: keyof typeof metaTable = "settings"): string {
  return `{${network}:meta}:${name}`;
}

/**
 * The tag of a partition: its number, and a suffix found by trying, such that the slots of all partitions are
 * spread evenly over the cluster's (partition p in the p-th of `partitions` equal ranges). Hashing the bare number
 * would leave masters with none.
 */
function tagOf(network: string, partition: number, partitions: number): string {
  const from = Math.floor((partition * SLOTS) / partitions);
  const to = Math.floor(((partition + 1) * SLOTS) / partitions);
  for (let attempt = 0; ; attempt++) {
    const tag = attempt === 0 ? `${partition}` : `${partition}.${attempt}`;
    const slot = calculateSlot(`${network}:${tag}`);
    if (slot >= from && slot < to) return tag;
  }
}
