// An account: what is withdrawn must be there, and what is transferred arrives, or comes back.
//
//   transfer   the sum leaves this account and is on its way, in one commit with a `tell` to the other one
//   receive    the other account takes it, or says no: it is closed
//   refund     then the sum comes back, by the `tell`'s own `onRejected`
//
// Each step is handled exactly once, whatever crashes in between: docs/effects.md.

import { defineEntity, reject, tell } from "pachyderm";
import { mailer } from "../effects/mailer.ts";

/** Amounts are whole numbers of the smallest coin. */
type AccountMessage =
  | { readonly type: "deposit" | "withdraw" | "receive" | "refund"; readonly amount: number }
  | { readonly type: "transfer"; readonly amount: number; readonly to: string }
  | { readonly type: "close" };
type AccountEvent =
  | {
      readonly type: "deposited" | "withdrawn" | "received" | "refunded";
      readonly amount: number;
    }
  | { readonly type: "sent"; readonly amount: number; readonly to: string }
  | { readonly type: "closed" };

export interface AccountState {
  readonly balance: number;
  readonly closed: boolean;
}

export const account = defineEntity({
  type: "account",
  init: (): AccountState => ({ balance: 0, closed: false }),
  handle(message: AccountMessage, { balance, closed }, { reference }) {
    if (message.type === "close") return closed ? [] : closing(reference.id, balance);
    const { type, amount } = message;
    // What comes over HTTP was never seen by a compiler.
    if (!Number.isSafeInteger(amount) || amount <= 0) return reject("not-an-amount");
    switch (type) {
      case "deposit":
        return closed ? reject("closed") : yielding({ type: "deposited", amount }, balance + amount);
      case "withdraw":
        if (amount > balance) return reject("overdrawn", { balance, amount });
        return yielding({ type: "withdrawn", amount }, balance - amount);
      case "transfer": {
        const { to } = message;
        if (amount > balance) return reject("overdrawn", { balance, amount });
        if (to === reference.id) return reject("to-itself");
        const receive = tell(
          { type: reference.type, id: to },
          { type: "receive", amount },
          { onRejected: { type: "refund", amount } },
        );
        return { ...yielding({ type: "sent", amount, to }, balance - amount), effects: [receive] };
      }
      case "receive":
        return closed ? reject("closed") : yielding({ type: "received", amount }, balance + amount);
      case "refund": // it was never another's: a closed account takes it too
        return yielding({ type: "refunded", amount }, balance + amount);
      default:
        return reject("unknown-message", { type });
    }
  },
  update(event: AccountEvent, { balance, closed }): AccountState {
    switch (event.type) {
      case "closed":
        return { balance, closed: true };
      case "withdrawn":
      case "sent":
        return { balance: balance - event.amount, closed };
      default:
        return { balance: balance + event.amount, closed };
    }
  },
  queries: {
    covers: ({ balance }, amount: number) => balance >= amount,
  },
});

/** Somebody has to be told, whatever crashes: a durable effect. */
function closing(id: string, balance: number) {
  const mail = {
    to: "admin@localhost",
    subject: "an account was closed",
    text: `The account ${id} was closed with ${balance} on it.`,
  };
  return { events: [{ type: "closed" as const }], effects: [mailer(mail)] };
}

function yielding(event: AccountEvent, balance: number) {
  return { events: [event], reply: { balance } };
}
