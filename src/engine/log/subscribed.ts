// A subscription as this node runs it: options that were checked.

import type { LogLine } from "../../core/log-entry.ts";
import type { LogPlace } from "../../core/log-place.ts";
import type { Delivered, DeliveryContext, Ended, SubscriptionProgress } from "../../core/subscription.ts";

export interface Subscribed {
  readonly name: string;
  /** Where it begins in a partition. */
  readonly from: (partition: number) => LogPlace | "now";
  readonly wants: (line: LogLine) => boolean;
  /** Null: all. */
  readonly events: ReadonlySet<string> | null;
  /** Null: the handler takes one event, and not a list. */
  readonly batch: number | null;
  readonly attempts: number;
  readonly backoffMs: number;
  readonly handle: Handle;
  /** Null: the end of an entity is not told. */
  readonly destroyed: Handle | null;
  readonly progress: ((progress: SubscriptionProgress) => void) | null;
}

export type Handle = (given: never, context: DeliveryContext) => unknown;

/** What is given to a handler: one event, a list, or the end of an entity. */
export type Given = Delivered | readonly Delivered[] | Ended;
