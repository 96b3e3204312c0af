// A piece of the log, given to a subscription's handler in its order.

import { DESTROYED_RECORD, isSystemRecord } from "../../core/record.ts";
import type { Reference } from "../../core/reference.ts";
import type { Delivered } from "../../core/subscription.ts";
import type { Recorder } from "../recorder.ts";
import type { CursorKeeper } from "./cursor-keeper.ts";
import type { Deliverer } from "./delivery.ts";
import type { FeedItem } from "./log-feed.ts";
import type { Given, Handle, Subscribed } from "./subscribed.ts";

export type PieceOutcome =
  | { readonly kind: "handled" }
  /** Told to end before the whole piece was handled. */
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly error: unknown; readonly item: FeedItem };

export interface PieceParts {
  readonly subscription: Subscribed;
  readonly recorder: Recorder;
  readonly isEnded: () => boolean;
  /** Called for each time that the handler was done. */
  readonly handled: (events: number) => void;
}

/** What a handler is given, and from where to where it reaches. */
type Gift =
  | {
      readonly kind: "gift";
      readonly given: Given;
      readonly handle: Handle;
      readonly events: number;
      readonly first: FeedItem;
      readonly last: FeedItem;
    }
  | { readonly kind: "unreadable"; readonly error: unknown; readonly item: FeedItem };

function giftOf(
  group: readonly Delivered[],
  batch: number | null,
  handle: Handle,
  first: FeedItem,
  last: FeedItem,
): Gift {
  const [one] = group;
  const given = batch === null && one !== undefined ? one : group;
  return { kind: "gift", given, handle, events: group.length, first, last };
}

/** A slow handler's cursor is moved so often, in the middle of a piece, milliseconds. */
const MOVE_MS = 200;

export class PieceHandler {
  readonly #parts: PieceParts;

  constructor(parts: PieceParts) {
    this.#parts = parts;
  }

  async handle(
    items: readonly FeedItem[],
    keeper: CursorKeeper,
    deliverer: Deliverer,
  ): Promise<PieceOutcome> {
    const { isEnded, handled } = this.#parts;
    for (const gift of this.#gifts(items)) {
      if (isEnded()) return { kind: "ended" };
      if (gift.kind === "unreadable") return { kind: "failed", error: gift.error, item: gift.item };
      const outcome = deliverer.deliver(gift.given, gift.handle);
      const delivery = outcome instanceof Promise ? await outcome : outcome;
      if (delivery.kind === "failed") return { ...delivery, item: gift.first };
      if (delivery.kind === "ended") return delivery;
      handled(gift.events);
      if (delivery.rows === null) keeper.reached(gift.last.place);
      else keeper.write(delivery.rows, gift.last.place);
      if (keeper.age > MOVE_MS) keeper.begin();
    }
    return { kind: "handled" };
  }

  /** What the handlers are given, in order: the end of an entity comes alone, after all that was before it. */
  *#gifts(items: readonly FeedItem[]): Generator<Gift> {
    const { subscription, recorder } = this.#parts;
    const { batch, handle, destroyed } = subscription;
    const size = batch ?? 1;
    let group: Delivered[] = [];
    let first: FeedItem | undefined;
    let last: FeedItem | undefined;
    for (const item of items) {
      const ends = destroyed !== null && item.record.event === DESTROYED_RECORD;
      if (first !== undefined && last !== undefined && (ends || group.length >= size)) {
        yield giftOf(group, batch, handle, first, last);
        group = [];
        first = undefined;
      }
      if (ends) {
        const given = recorder.ended(item.id, item.record);
        yield { kind: "gift", given, handle: destroyed, events: 1, first: item, last: item };
        last = item;
        continue;
      }
      let delivered: Delivered | null;
      try {
        delivered = this.#delivered(item);
      } catch (error) {
        // What was before it is handled: the cursor must not come to stand behind what cannot be read.
        if (first !== undefined && last !== undefined) yield giftOf(group, batch, handle, first, last);
        yield { kind: "unreadable", error, item };
        return;
      }
      if (delivered !== null) {
        first ??= item;
        group.push(delivered);
      }
      last = item; // what is not wanted is passed by with what is
    }
    if (first !== undefined && last !== undefined) yield giftOf(group, batch, handle, first, last);
  }

  referenceOf({ id, record: { type } }: FeedItem): Reference {
    return { type: this.#parts.recorder.definition(type)?.type ?? type, id };
  }

  /** Null: it is not shown, or not wanted. */
  #delivered(item: FeedItem): Delivered | null {
    const { id, record } = item;
    if (isSystemRecord(record.event)) return null;
    const delivered = this.#parts.recorder.delivered(id, record);
    const { events } = this.#parts.subscription;
    return events === null || events.has(delivered.event.type) ? delivered : null;
  }
}
