// A node that is made to work with durable effects, and is killed at it: each message that it sends brings an event and
// two durable effects, whose runs are written down with write(2), at once; or it has accounts transfer to each other. Ends
// in an orderly way when it reads "stop".

import { openSync, readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { defineEffect, defineEntity, Pachyderm, type StartOptions } from "../../src/index.ts";
import { account } from "./bank.ts";

export interface DurableOrder {
  readonly start: StartOptions;
  readonly name: string;
  /** Gets a line for each run: what was to be done, and the effect's id. */
  readonly ran: string;
  readonly work:
    | { readonly kind: "none" }
    | { readonly kind: "marks"; readonly ids: readonly string[]; readonly inFlight: number }
    | {
        readonly kind: "transfers";
        readonly ids: readonly string[];
        readonly inFlight: number;
        readonly count: number;
      };
  /** Kills its own process in the first runs of the effect, so many times: a file counts them. */
  readonly deadly?: { readonly file: string; readonly times: number };
}

const order = JSON.parse(process.argv[2] ?? "") as DurableOrder;
const { name, work, deadly } = order;
const ran = openSync(order.ran, "a");

const mark = defineEffect({
  name: "mark",
  durable: { attempts: 3, backoffMs: 20 },
  dispatch({ op, n }: { readonly op: string; readonly n: number }, _config: unknown, { effectId }) {
    writeSync(ran, `${op}/${n} ${effectId}\n`);
    if (deadly !== undefined) dieSometimes(deadly);
  },
});

const marker = defineEntity({
  type: "marker",
  init: () => ({ count: 0 }),
  handle: ({ op }: { type: "mark"; op: string }) => ({
    events: [{ type: "marked" as const, op }],
    effects: [mark({ op, n: 0 }), mark({ op, n: 1 })],
  }),
  update: (_event: { readonly type: "marked"; readonly op: string }, { count }) => ({ count: count + 1 }),
});

function dieSometimes({ file, times }: NonNullable<DurableOrder["deadly"]>): void {
  writeSync(openSync(file, "a"), ".");
  if (readFileSync(file, "utf8").length <= times) process.kill(process.pid, "SIGKILL");
}

const node = await Pachyderm.start({ ...order.start, entities: [account, marker], effects: [mark] });
createInterface({ input: process.stdin }).on("line", () => void node.stop().then(() => process.exit(0)));
console.log("started");

let sent = 0;
/** A node that is cut off goes on when it is not: what became of a message, the log tells. */
async function send(type: string, id: string, message: { readonly type: string }): Promise<void> {
  try {
    await node.send({ type, id }, message, { answer: "none" });
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function pick(ids: readonly string[]): string {
  return ids[Math.floor(Math.random() * ids.length)] ?? "";
}

async function markOn(ids: readonly string[]): Promise<never> {
  for (;;) await send("marker", pick(ids), { type: "mark", op: `${name}:${sent++}` } as never);
}

async function transferOn(ids: readonly string[], count: number): Promise<void> {
  while (sent < count) {
    const transfer = `${name}:${sent++}`;
    const message = {
      type: "transfer",
      to: pick(ids),
      amount: 1 + Math.floor(Math.random() * 400),
      transfer,
    };
    await send("account", pick(ids), message);
  }
}

if (work.kind === "marks") void Promise.all(Array.from({ length: work.inFlight }, () => markOn(work.ids)));
if (work.kind === "transfers") {
  await Promise.all(Array.from({ length: work.inFlight }, () => transferOn(work.ids, work.count)));
  console.log("sent");
}
