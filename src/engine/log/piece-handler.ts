// A piece of the log, given to a subscription's handler in its order.

import { isSystemRecord } from "../../core/record.ts";
import type { Reference } from "../../core/reference.ts";
import type { Delivered } from "../../core/subscription.ts";
import type { Recorder } from "../recorder.ts";
import type { CursorKeeper } from "./cursor-keeper.ts";
import type { Deliverer } from "./delivery.ts";
import type { FeedItem } from "./log-feed.ts";
import type { Subscribed } from "./subscribed.ts";

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
    const { subscription, isEnded, handled } = this.#parts;
    const { batch } = subscription;
    const size = batch ?? 1;
    let group: Delivered[] = [];
    let start: FeedItem | undefined;
    for (const [i, item] of items.entries()) {
      if (isEnded()) return { kind: "ended" };
      try {
        const delivered = this.#delivered(item);
        if (delivered !== null) {
          if (group.length === 0) start = item;
          group.push(delivered);
        }
      } catch (error) {
        return { kind: "failed", error, item };
      }
      const [first] = group;
      if (first === undefined || (group.length < size && i < items.length - 1)) continue;
      const outcome = deliverer.deliver(batch === null ? first : group);
      const delivery = outcome instanceof Promise ? await outcome : outcome;
      if (delivery.kind === "failed") return { ...delivery, item: start ?? item };
      if (delivery.kind === "ended") return delivery;
      handled(group.length);
      if (delivery.rows === null) keeper.reached(item.place);
      else keeper.write(delivery.rows, item.place);
      if (keeper.age > MOVE_MS) keeper.begin();
      group = [];
    }
    return { kind: "handled" };
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
