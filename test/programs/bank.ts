// Accounts that transfer to each other by `tell`, with compensation: as cluster/entities/account.ts has it, with what a
// test wants to know of each step.

import { defineEntity, reject, tell } from "../../src/index.ts";

export interface AccountState {
  readonly balance: number;
}

export type AccountMessage =
  | { readonly type: "open"; readonly amount: number }
  | { readonly type: "transfer"; readonly to: string; readonly amount: number; readonly transfer: string }
  | { readonly type: "receive"; readonly amount: number; readonly transfer: string }
  | { readonly type: "refund"; readonly amount: number; readonly transfer: string };

export interface AccountEvent {
  readonly type: "opened" | "withdrawn" | "received" | "refunded";
  readonly amount: number;
  readonly transfer: string;
}

/** An account takes no more than this: so some transfers are rejected, and go back. */
export const FULL = 1_200;

export const account = defineEntity({
  type: "account",
  init: (): AccountState => ({ balance: 0 }),
  handle(message: AccountMessage, { balance }, { reference }) {
    const { amount } = message;
    switch (message.type) {
      case "open":
        return [{ type: "opened" as const, amount, transfer: "" }];
      case "transfer": {
        const { to, transfer } = message;
        if (amount > balance) return reject("overdrawn");
        const receive = { type: "receive" as const, amount, transfer };
        const onRejected = { type: "refund" as const, amount, transfer };
        return {
          events: [{ type: "withdrawn" as const, amount, transfer }],
          effects: [tell({ type: reference.type, id: to }, receive, { onRejected })],
        };
      }
      case "receive":
        if (balance + amount > FULL) return reject("full");
        return [{ type: "received" as const, amount, transfer: message.transfer }];
      case "refund":
        return [{ type: "refunded" as const, amount, transfer: message.transfer }];
    }
  },
  update: ({ type, amount }: AccountEvent, { balance }) => ({
    balance: type === "withdrawn" ? balance - amount : balance + amount,
  }),
});
