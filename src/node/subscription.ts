// A subscription of the network as a program holds it, in whichever node, and how its events are followed.

import { parseCursor } from "../core/cursor.ts";
import { PachydermError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { isLogCursor, parseLogCursor } from "../core/log-cursor.ts";
import type { LogPlace } from "../core/log-place.ts";
import { partitionOf } from "../core/partition.ts";
import { parseId } from "../core/reference.ts";
import type { Lag } from "../core/subscription.ts";
import { definite, type SubscriptionDesk } from "../engine/log/subscription-desk.ts";
import { readFrom, type SubscriptionRules } from "../engine/log/subscription-options.ts";
import type { Subscriptions } from "../engine/log/subscriptions.ts";
import type { Waiting } from "../engine/log/waiting.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { LogReader } from "../ports/log-reader.ts";
import { checkNames, invalidOption } from "./read-only.ts";

export interface SubscriptionParts extends SubscriptionRules {
  readonly store: EventStore;
  readonly reader: LogReader;
  readonly clock: Clock;
  readonly desk: SubscriptionDesk;
  readonly waiting: Waiting;
  readonly subscriptions: Subscriptions;
  readonly timeoutMs: number;
  readonly longestTimeoutMs: number;
  /** @throws PachydermError NODE_STOPPING */
  readonly checkRunning: () => void;
}

/** How long `waitFor` may take. */
export interface WaitOptions {
  /** Milliseconds. Default: the node's `timeoutMs`, 5,000. */
  readonly timeoutMs?: number;
}

/** How a subscription is rewound. */
export interface RewindOptions {
  /** Whether the rows of its projection are removed. Default: as `to` is `"start"` or not. */
  readonly clearRows?: boolean;
}

/**
 * A subscription, from any node of the network. All of it may fail with NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT,
 * and INVALID_OPTIONS where there is no such subscription.
 */
export class Subscription {
  readonly #parts: SubscriptionParts;
  readonly name: string;

  constructor(parts: SubscriptionParts, name: string) {
    this.#parts = parts;
    this.name = name;
  }

  /** A place in every partition: where it stands now. For `waitFor`, `rewind`, and another subscription's `from`. */
  async cursor(): Promise<string> {
    return await this.#parts.desk.cursor(this.name, this.#deadline());
  }

  /** How far it is behind, and whether something is wrong with it. */
  async lag(): Promise<Lag> {
    return await this.#parts.desk.lag(this.name, this.#deadline());
  }

  /**
   * Resolves when everything up to the cursor's place has been handled: for a cursor of a `send` or a `get`, all that is in
   * its partition when this is called; for a subscription's cursor, up to there in every partition.
   *
   * @throws PachydermError (as a rejection) INVALID_CURSOR, LOG_DIVERGED (Redis lost that place), DEADLINE_EXCEEDED
   */
  async waitFor(cursor: string, options?: WaitOptions): Promise<void> {
    const { timeoutMs = this.#parts.timeoutMs } = checkNames<WaitOptions>(options, ["timeoutMs"]);
    const { longestTimeoutMs } = this.#parts;
    if (typeof timeoutMs !== "number" || !(timeoutMs > 0 && timeoutMs <= longestTimeoutMs))
      throw invalidOption(`timeoutMs is a number of milliseconds above 0 and up to ${longestTimeoutMs}`);
    const deadline = this.#deadline(timeoutMs);
    const targets = isLogCursor(cursor)
      ? await this.#ofAll(cursor, deadline)
      : await this.#ofOne(cursor, deadline);
    await this.#parts.waiting.until(this.name, targets, deadline);
  }

  /** It stops after the event under way, in every partition, until `resume`. */
  async pause(): Promise<void> {
    await this.#parts.desk.pause(this.name, this.#deadline());
    this.#parts.subscriptions.poke(this.name);
  }

  /** Goes on where it was paused, or where it parked. */
  async resume(): Promise<void> {
    await this.#parts.desk.resume(this.name, this.#deadline());
    this.#parts.subscriptions.poke(this.name);
  }

  /**
   * Goes on from another place, in every partition, also if it was paused or parked. Whatever is under way does not move
   * it any more.
   *
   * @param to `"start"`, `"now"`, or a cursor of a subscription
   * @throws PachydermError (as a rejection) INVALID_CURSOR, LOG_DIVERGED (Redis lost that place)
   */
  async rewind(to: string, options?: RewindOptions): Promise<void> {
    const { clearRows = to === "start" } = checkNames<RewindOptions>(options, ["clearRows"]);
    if (typeof clearRows !== "boolean") throw invalidOption("clearRows is true or false");
    const places = readFrom(to, this.#parts);
    await this.#parts.desk.rewind(this.name, places, clearRows, this.#deadline());
    this.#parts.subscriptions.poke(this.name);
  }

  /** For good: its cursors and rows are removed, and this node runs it no more. The log may be trimmed past it. */
  async remove(): Promise<void> {
    const deadline = this.#deadline();
    await this.#parts.desk.remove(this.name, deadline);
    await this.#parts.subscriptions.drop(this.name, deadline);
  }

  /** This node does no more of the work; where it stands is kept, and other nodes go on with their partitions. */
  async leave(): Promise<void> {
    await this.#parts.subscriptions.drop(this.name, this.#deadline());
  }

  /**
   * A row of its projection; null: there is none.
   *
   * @param id of an entity: rows are in the partition of the events that they were made of
   * @param key the row's key. Default: the id
   * @throws PachydermError (as a rejection) INVALID_REFERENCE
   */
  async row(id: string, key: string = id): Promise<Json> {
    const partition = partitionOf(parseId(id), this.#parts.partitions);
    const row = await this.#parts.desk.row(this.name, partition, key, this.#deadline());
    return row === null ? null : (JSON.parse(row) as Json);
  }

  /** All rows of its projection, as they are while it is read. A key may come several times, once for each partition. */
  async *rows(): AsyncGenerator<{ readonly key: string; readonly row: Json }, void, undefined> {
    for await (const [key, row] of this.#parts.desk.rows(this.name, () => this.#deadline()))
      yield { key, row: JSON.parse(row) as Json };
  }

  #deadline(ms: number = this.#parts.timeoutMs): number {
    this.#parts.checkRunning();
    return this.#parts.clock.monotonicMs() + ms;
  }

  async #ofAll(cursor: string, deadline: number): Promise<ReadonlyMap<number, LogPlace>> {
    const { network, partitions, desk } = this.#parts;
    const places = parseLogCursor(network, partitions, cursor);
    await desk.check((partition) => places[partition] ?? "now", deadline);
    return new Map(places.entries());
  }

  /** The log's end now, which is not before the commit of the cursor: that is in the log, if it is not lost. */
  async #ofOne(cursor: string, deadline: number): Promise<ReadonlyMap<number, LogPlace>> {
    const { network, partitions, reader, clock } = this.#parts;
    const { id, version, commitId } = parseCursor(network, cursor);
    const partition = partitionOf(id, partitions);
    await this.#checkPlace({ id, partition }, version, commitId, deadline);
    const { places } = definite(await reader.ends([partition], deadline), "ends", deadline, clock);
    return new Map(places.map((place) => [partition, place]));
  }

  async #checkPlace(
    key: { readonly id: string; readonly partition: number },
    version: number,
    commitId: string,
    deadline: number,
  ): Promise<void> {
    if (version === 0) return;
    const { store, clock } = this.#parts;
    const { records } = definite(await store.read(key, version, 1, deadline), "loaded", deadline, clock);
    const [record] = records;
    // A later one: it was trimmed, and cannot tell.
    if (record !== undefined && (record.version > version || record.commitId === commitId)) return;
    throw new PachydermError(
      "LOG_DIVERGED",
      `the log does not hold the commit of version ${version} of the cursor`,
    );
  }
}
