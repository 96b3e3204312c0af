// A counter: the smallest entity there is.

import { defineEntity, reject } from "pachyderm";

type CounterMessage = { readonly type: "increment"; readonly amount?: number };
type CounterEvent = { readonly type: "increased"; readonly amount: number };

export const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle({ type, amount = 1 }: CounterMessage) {
    // What comes over HTTP was never seen by a compiler.
    if (type !== "increment") return reject("unknown-message", { type });
    if (!Number.isSafeInteger(amount)) return reject("not-a-whole-number");
    if (amount === 0) return reject("nothing-to-add");
    return [{ type: "increased" as const, amount }];
  },
  update: ({ amount }: CounterEvent, { count }) => ({ count: count + amount }),
});
