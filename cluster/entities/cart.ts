// A shopping cart: what nobody has touched for a while expires, and what was kept for it can go to others.

import { cancel, type Decision, type Duration, defineEntity, reject, schedule } from "pachyderm";

type CartMessage =
  | { readonly type: "add"; readonly product: string; readonly quantity: number }
  | { readonly type: "remove"; readonly product: string }
  | { readonly type: "check-out" }
  /** Of the cart's own timer. */
  | { readonly type: "expire" };

type CartEvent =
  | { readonly type: "added"; readonly product: string; readonly quantity: number }
  | { readonly type: "removed"; readonly product: string }
  | { readonly type: "checked-out" }
  | { readonly type: "expired"; readonly lateMs: number };

interface CartState {
  readonly status: "open" | "checked-out" | "expired";
  readonly items: { readonly [product: string]: number };
}

/** The timer's name: an entity has one timer of a name, so each touch sets it anew. */
const EXPIRY = "expiry";

/** @param keep how long after its last change an open cart expires */
export function makeCart(keep: Duration) {
  const touched = (event: CartEvent): Decision<CartEvent> => ({
    events: [event],
    effects: [schedule({ name: EXPIRY, after: keep, message: { type: "expire" } })],
  });
  return defineEntity({
    type: "cart",
    init: (): CartState => ({ status: "open", items: {} }),
    handle(message: CartMessage, { status, items }, { timer }): Decision<CartEvent> {
      if (status !== "open") return reject("closed", { status });
      switch (message.type) {
        case "add": {
          const { product, quantity } = message;
          // What comes over HTTP was never seen by a compiler.
          if (typeof product !== "string" || product === "") return reject("not-a-product");
          if (!Number.isSafeInteger(quantity) || quantity <= 0) return reject("not-a-quantity");
          return touched({ type: "added", product, quantity });
        }
        case "remove":
          if (!Object.hasOwn(items, message.product)) return reject("not-in-the-cart");
          return touched({ type: "removed", product: message.product });
        case "check-out":
          if (Object.keys(items).length === 0) return reject("empty");
          return { events: [{ type: "checked-out" }], effects: [cancel(EXPIRY)] };
        case "expire":
          return timer?.name === EXPIRY
            ? [{ type: "expired", lateMs: timer.lateMs }]
            : reject("only-its-timer-may-say-so");
        default:
          return reject("unknown-message");
      }
    },
    update(event: CartEvent, state): CartState {
      const { items } = state;
      switch (event.type) {
        case "added": {
          const quantity = (items[event.product] ?? 0) + event.quantity;
          return { ...state, items: { ...items, [event.product]: quantity } };
        }
        case "removed": {
          const { [event.product]: _, ...left } = items;
          return { ...state, items: left };
        }
        case "checked-out":
          return { ...state, status: "checked-out" };
        case "expired":
          return { items: {}, status: "expired" };
      }
    },
  });
}

export const cart = makeCart("30m");
