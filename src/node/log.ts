// What a node does with the network's log: subscriptions, followers, trimming, and looking whether Redis lost anything.

import type { Catalog } from "../core/catalog.ts";
import { type Place, parseCursor } from "../core/cursor.ts";
import { PachydermError } from "../core/errors.ts";
import type { Recorded } from "../core/recorded.ts";
import { parseReference } from "../core/reference.ts";
import type { Duties } from "../engine/duties.ts";
import { Followers } from "../engine/log/followers.ts";
import { LogGuard } from "../engine/log/log-guard.ts";
import { LogTail } from "../engine/log/log-tail.ts";
import { SubscriptionDesk } from "../engine/log/subscription-desk.ts";
import { readName, readSubscription } from "../engine/log/subscription-options.ts";
import { Subscriptions } from "../engine/log/subscriptions.ts";
import { Trimmer } from "../engine/log/trimmer.ts";
import { Waiting } from "../engine/log/waiting.ts";
import { Recorder } from "../engine/recorder.ts";
import type { Signals } from "../engine/signals.ts";
import type { Clock } from "../ports/clock.ts";
import type { Cursors } from "../ports/cursors.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { LogReader } from "../ports/log-reader.ts";
import { Follow, type FollowOptions } from "./follow.ts";
import { checkNames, invalidOption, isWhole } from "./read-only.ts";
import type { Settings } from "./settings.ts";
import { Subscription, type SubscriptionParts } from "./subscription.ts";

export interface NodeLogParts {
  readonly settings: Settings;
  readonly catalog: Catalog;
  readonly store: EventStore;
  readonly reader: LogReader;
  readonly cursors: Cursors;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly duties: Duties;
  /** @throws PachydermError NODE_STOPPING */
  readonly checkRunning: () => void;
  /** @throws PachydermError UNKNOWN_TYPE */
  readonly checkKnown: (type: string) => void;
}

/** How long a start waits for what it can do without, milliseconds. */
const READY_MS = 2_000;

export class NodeLog {
  readonly #parts: NodeLogParts;
  readonly #tail: LogTail;
  readonly #followers: Followers;
  readonly #shared: SubscriptionParts;
  readonly #trimmer: Trimmer | null;
  readonly #guard: LogGuard;

  constructor(parts: NodeLogParts) {
    const { settings, catalog, store, reader, cursors, clock, signals, duties } = parts;
    const {
      network,
      partitions,
      maxMessageBytes: maxRowBytes,
      timeoutMs,
      lookbackMs,
      logKeepMs: keepMs,
    } = settings;
    this.#parts = parts;
    const now = () => store.now();
    const tail = new LogTail(reader, clock);
    const recorder = new Recorder(catalog, network);
    const waiting = new Waiting({ cursors, clock });
    const desk = new SubscriptionDesk({ network, partitions, reader, cursors, clock, now });
    const moved = () => waiting.moved();
    const runner = { reader, cursors, tail, recorder, signals, clock, now, maxRowBytes, moved };
    const subscriptions = new Subscriptions(runner, desk);
    const rules = { network, partitions, recorder, timeoutMs, longestTimeoutMs: lookbackMs };
    const { checkRunning } = parts;
    this.#shared = { ...rules, store, reader, clock, desk, waiting, subscriptions, checkRunning };
    this.#tail = tail;
    this.#followers = new Followers({ partitions, store, reader, tail, recorder, clock });
    this.#trimmer = keepMs === undefined ? null : new Trimmer({ cursors, clock, now, keepMs });
    const lost = (partition: number, entry: string) =>
      signals.emit("log-diverged", { partition, entry, subscription: null });
    this.#guard = new LogGuard({ reader, clock, partitions, lost });
    duties.add(subscriptions);
    if (this.#trimmer !== null) duties.add(this.#trimmer);
  }

  /** @throws PachydermError INVALID_OPTIONS, INVALID_CURSOR, LOG_DIVERGED, DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT */
  async subscribe(options: unknown): Promise<Subscription> {
    const { settings, clock } = this.#parts;
    if (!settings.host)
      throw invalidOption("this node hosts nothing (host: false): subscribe where partitions are owned");
    const subscribed = readSubscription(options, this.#shared);
    const deadline = clock.monotonicMs() + settings.timeoutMs;
    await this.#shared.desk.check(subscribed.from, deadline);
    await this.#shared.subscriptions.add(subscribed, deadline);
    return new Subscription(this.#shared, subscribed.name);
  }

  /** @throws PachydermError INVALID_OPTIONS if it cannot be a name */
  subscription(name: string): Subscription {
    return new Subscription(this.#shared, readName(name));
  }

  /** @throws PachydermError DEADLINE_EXCEEDED, STORE_UNAVAILABLE, UNREADABLE_EVENT */
  async names(): Promise<readonly string[]> {
    const { settings, clock } = this.#parts;
    return await this.#shared.desk.names(clock.monotonicMs() + settings.timeoutMs);
  }

  /** @throws PachydermError INVALID_REFERENCE, INVALID_OPTIONS, INVALID_CURSOR, UNKNOWN_TYPE */
  follow(reference: unknown, options: unknown): Follow<Recorded> {
    const to = parseReference(reference);
    const given = checkNames<FollowOptions>(options, ["from", "signal", "onTruncated"]);
    this.#parts.checkKnown(to.type);
    const { from = 1, signal = null, onTruncated = warnOfGap } = given;
    if (signal !== null && !(signal instanceof AbortSignal)) throw invalidOption("signal is an AbortSignal");
    if (typeof onTruncated !== "function") throw invalidOption("onTruncated is a function");
    const place = typeof from === "string" ? this.#placeOf(from, to.id) : null;
    if (place === null && !isWhole(from, 1, Number.MAX_SAFE_INTEGER))
      throw invalidOption("from is a version (a whole number from 1 on) or a cursor");
    const first = place === null ? Number(from) : place.version + 1;
    const request = { reference: to, from: first, after: place, signal, truncated: onTruncated };
    return new Follow(this.#followers.follow(request));
  }

  /** Who follows now, and the partitions that are read for them. */
  get following(): { readonly followers: number; readonly readers: number } {
    return { followers: this.#followers.count, readers: this.#followers.readers };
  }

  /** Resolves when this node remembers where the log of each partition ends; soon, whatever comes. */
  async opened(): Promise<void> {
    await this.#guard.ready(READY_MS);
  }

  /** Ends whoever follows; what runs in the partitions is ended by the duties. */
  stopFollowing(): void {
    this.#followers.close();
  }

  /** What it asks, whoever opened it closes. */
  close(): void {
    this.#followers.close();
    this.#shared.subscriptions.close();
    this.#trimmer?.close();
    this.#guard.close();
    this.#tail.close();
  }

  #placeOf(cursor: string, id: string): Place {
    const place = parseCursor(this.#parts.settings.network, cursor);
    if (place.id === id) return place;
    throw new PachydermError("INVALID_CURSOR", `the cursor is of the entity ${place.id}, not of ${id}`);
  }
}

function warnOfGap({ from, to }: { readonly from: number; readonly to: number }): void {
  const message = `pachyderm: events ${from} to ${to} of a followed entity are not kept any more`;
  process.emitWarning(message, { code: "PACHYDERM_TRUNCATED" });
}
