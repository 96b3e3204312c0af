// Subscriptions as programs see them: what they say, what their handlers are given, and how they stand.

import type { Cursor } from "./cursor.ts";
import type { Event } from "./decision.ts";
import type { AnyEntity } from "./entity.ts";
import type { Json } from "./json.ts";
import type { Recorded } from "./recorded.ts";
import type { Reference } from "./reference.ts";

/** An event, and the entity that it happened to. */
export interface Delivered<E = Event> extends Recorded<E> {
  readonly reference: Reference;
}

/** What a subscription's handler may look at besides the events. */
export interface DeliveryContext {
  /** The subscription's name. */
  readonly subscription: string;
  readonly partition: number;
  /** Which try of these events it is in this node, from 1. */
  readonly attempt: number;
  /** Aborted when the partition is handed over, or the node stops, and the handler takes longer than it may. */
  readonly signal: AbortSignal;
  /** A row of the projection, of this event's partition, as the handlers before this one left it; null: there is none. */
  row(key: string): Promise<Json>;
}

/**
 * What a handler may return. Rows are written in the same step as the cursor: each event is in them exactly once.
 * A row lives in the partition of the events that it was made of; null removes it.
 */
export interface Projection {
  readonly rows: Readonly<Record<string, Json>>;
}

/** Told while a subscription catches up, partition by partition. */
export interface SubscriptionProgress {
  readonly partition: number;
  /** Events that were handled in this partition, by this node, since it took it. */
  readonly handled: number;
  /** Milliseconds from the last entry that was handled to now, by Redis's clock; 0 when caught up. */
  readonly behindMs: number;
  readonly caughtUp: boolean;
}

/** An event whose type is all that is known of it. */
export type AnyEvent = Event & { readonly [key: string]: unknown };

/** The events of entity definitions. */
export type EventsOf<T> = T extends { update(event: infer E, state: never): unknown } ? E : AnyEvent;

/** That an entity was destroyed: the last that is ever told of it. */
export type Ended = Omit<Delivered, "event">;

/** What a subscription is, besides its handler. */
export interface SubscriptionOptions<T extends AnyEntity | string = string> {
  /** 1 to 64 letters, digits and `_.-`, a letter or digit first. The same in every node that shares the work. */
  readonly name: string;
  /**
   * Where it begins, if it is new: a subscription that exists goes on where it is. `"start"`, `"now"` (what is committed
   * from this call on), or a subscription's cursor. Default `"start"`.
   */
  readonly from?: "start" | "now" | Cursor;
  /** Only events of these entities: definitions, or type names. Default: all. */
  readonly entities?: readonly T[];
  /** Only events of these types. Default: all. */
  readonly events?: readonly string[];
  /** Tries of a failing handler, until the subscription is parked in that partition. Default 8. */
  readonly attempts?: number;
  /** Milliseconds until the second try, doubled for each one after it, up to 10 seconds. Default 100. */
  readonly backoffMs?: number;
  /**
   * Called when an entity was destroyed, in its place among the entity's events, at least once; else `destroy` is not told.
   * What it returns is taken as what `handle` returns.
   */
  destroyed?(ended: Ended, context: DeliveryContext): unknown;
  /** Called while it catches up, and once when it has. Must not throw. */
  readonly progress?: (progress: SubscriptionProgress) => void;
}

/** A subscription whose handler takes one event at a time. */
export interface Subscribe<T extends AnyEntity | string = string> extends SubscriptionOptions<T> {
  readonly batch?: undefined;
  /**
   * At least once for each event, in the order of each entity; one at a time in each partition. A promise is awaited; what
   * it returns is ignored, unless it is a {@link Projection}.
   */
  handle(recorded: Delivered<EventsOf<T>>, context: DeliveryContext): unknown;
}

/** A subscription whose handler takes several events at a time. */
export interface SubscribeBatch<T extends AnyEntity | string = string> extends SubscriptionOptions<T> {
  /** At most so many, 1 to 500; fewer where no more are there. */
  readonly batch: number;
  /** As that of {@link Subscribe}. A batch that fails is given again as a whole. */
  handle(recorded: readonly Delivered<EventsOf<T>>[], context: DeliveryContext): unknown;
}

/** How a subscription stands in a partition. */
export interface PartitionLag {
  readonly partition: number;
  /** `parked`: its handler failed too often, or the log was rolled back under it; `resume` or `rewind` lets it go on. */
  readonly status: "running" | "paused" | "parked";
  /** Why it is parked; else "". */
  readonly error: string;
  /** Milliseconds that the oldest entry of the log that it has not handled is old; 0: there is none. */
  readonly behindMs: number;
  /** Entries of the log (a call's commits each) that were trimmed before it saw them, at least. */
  readonly truncated: number;
  /** Events whose records retention or `destroy` had removed before it saw them. */
  readonly removed: number;
}

/** How a subscription stands. */
export interface Lag {
  /** Whether it has handled everything that is in the log now. */
  readonly caughtUp: boolean;
  /** The largest of the partitions. */
  readonly behindMs: number;
  readonly partitions: readonly PartitionLag[];
}
