// A counter: the smallest entity there is. Its tenth increment is mailed to whoever it may concern.

import { defineEntity, reject } from "pachyderm";
import { mailer } from "../effects/mailer.ts";

type CounterMessage = { readonly type: "increment"; readonly amount?: number };
type CounterEvent = { readonly type: "increased"; readonly amount: number };

const THRESHOLD = 10;

export const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle({ type, amount = 1 }: CounterMessage, { count }, { reference }) {
    // What comes over HTTP was never seen by a compiler.
    if (type !== "increment") return reject("unknown-message", { type });
    if (!Number.isSafeInteger(amount)) return reject("not-a-whole-number");
    if (amount === 0) return reject("nothing-to-add");
    const events = [{ type: "increased" as const, amount }];
    if (count >= THRESHOLD || count + amount < THRESHOLD) return events;
    const mail = {
      to: "admin@localhost",
      subject: `a counter has come to ${THRESHOLD}`,
      text: `The counter ${reference.id} stands at ${count + amount}.`,
    };
    return { events, effects: [mailer(mail)] };
  },
  update: ({ amount }: CounterEvent, { count }) => ({ count: count + amount }),
});
