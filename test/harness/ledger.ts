// The entity that most engine tests send to: a ledger that keeps the numbers it was given, in order.

import { type Decision, defineEffect, defineEntity, reject } from "../../src/index.ts";

export type LedgerMessage =
  | { type: "add"; n: number }
  | { type: "take"; n: number }
  | { type: "add-many"; ns: number[] }
  | { type: "nothing" }
  | { type: "refuse-above"; most: number }
  | { type: "notify"; n: number }
  | { type: "add-and-notify"; n: number }
  | { type: "sum" }
  | { type: "throw" };

type LedgerEvent = { type: "added"; n: number };

export const dispatched: { payload: number; config: unknown; effectId: string; version: number }[] = [];

export const notify = defineEffect({
  name: "notify",
  dispatch(payload: number, config: unknown, { effectId, version }) {
    dispatched.push({ payload, config, effectId, version });
  },
});

/** How often `handle` ran, by the message's `n`. */
export const handled: number[] = [];

interface LedgerState {
  readonly ns: readonly number[];
  readonly sum: number;
}

export const ledger = defineEntity({
  type: "ledger",
  init: (): LedgerState => ({ ns: [], sum: 0 }),
  handle(message: LedgerMessage, { sum }): Decision<LedgerEvent> {
    switch (message.type) {
      case "add":
        handled.push(message.n);
        return { events: [{ type: "added", n: message.n }], reply: sum + message.n };
      case "take":
        return sum < message.n ? reject("too-little", { sum }) : [{ type: "added", n: -message.n }];
      case "add-many":
        return message.ns.map((n) => ({ type: "added", n }));
      case "nothing":
        return [];
      case "refuse-above":
        return sum > message.most ? reject("too-much", { sum }) : { reply: sum };
      case "notify":
        return { effects: [notify(message.n)] };
      case "add-and-notify":
        return { events: [{ type: "added", n: message.n }], effects: [notify(message.n)] };
      case "sum":
        return { reply: sum };
      case "throw":
        throw new Error(`the handler broke at ${sum}`);
    }
  },
  update: (event: LedgerEvent, { ns, sum }) => ({ ns: [...ns, event.n], sum: sum + event.n }),
  queries: {
    total: ({ sum }: LedgerState) => sum,
    above: ({ ns }: LedgerState, { least }: { least: number }) => ns.filter((n) => n > least),
    broken: () => {
      throw new Error("the query broke");
    },
  },
});
