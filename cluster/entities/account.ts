// An account: what is withdrawn must be there.

import { defineEntity, reject } from "pachyderm";

/** Amounts are whole numbers of the smallest coin. */
type AccountMessage = { readonly type: "deposit" | "withdraw"; readonly amount: number };
type AccountEvent = { readonly type: "deposited" | "withdrawn"; readonly amount: number };

export const account = defineEntity({
  type: "account",
  init: () => ({ balance: 0 }),
  handle({ type, amount }: AccountMessage, { balance }) {
    // What comes over HTTP was never seen by a compiler.
    if (type !== "deposit" && type !== "withdraw") return reject("unknown-message", { type });
    if (!Number.isSafeInteger(amount) || amount <= 0) return reject("not-an-amount");
    if (type === "deposit") return yielding("deposited", amount, balance + amount);
    if (amount > balance) return reject("overdrawn", { balance, amount });
    return yielding("withdrawn", amount, balance - amount);
  },
  update: ({ type, amount }: AccountEvent, { balance }) => ({
    balance: type === "deposited" ? balance + amount : balance - amount,
  }),
  queries: {
    covers: ({ balance }, amount: number) => balance >= amount,
  },
});

function yielding(type: AccountEvent["type"], amount: number, balance: number) {
  return { events: [{ type, amount }], reply: { balance } };
}
