// A ledger that keeps little of its history, and ticks, unless its first message says otherwise: of the tests of retention.

import { defineEntity, reject, schedule } from "../../src/index.ts";
import { type Add, type Added, emptyLedger, foldLedger, type LedgerState } from "./ledger.ts";

export const KEEP_EVENTS = 12;
const EVERY_MS = 300;

interface Tick {
  readonly type: "tick";
}

/** How the operation of a tick is called: what follows is when it was due. */
export const TICK = "tick:";

export const keeper = defineEntity({
  type: "keeper",
  snapshot: { every: 8 },
  retention: { keepEvents: KEEP_EVENTS },
  init: (): LedgerState => emptyLedger,
  handle(message: (Add & { readonly still?: boolean }) | Tick, state: LedgerState, { version, timer }) {
    const added = (op: string) => [{ type: "added" as const, op, note: false }];
    if (message.type === "tick") return added(`${TICK}${timer?.dueAt}`);
    const { op, picky = false, still = false } = message;
    if (picky && state.digest % 2 !== 0) return reject("odd", { version, state });
    const tick: Tick = { type: "tick" };
    return {
      events: added(op),
      effects: version === 0 && !still ? [schedule({ name: "tick", every: EVERY_MS, message: tick })] : [],
      reply: { op },
    };
  },
  update: (event: Added, state) => foldLedger(state, event),
});
