// Sends many messages to one entity at once, and says what became of each: one of several, in a process of its own.

import { createInterface } from "node:readline";
import { Pachyderm, PachydermError } from "../../src/index.ts";
import type { Attempt } from "../harness/log-checker.ts";
import { ledger, type NoteConfig, note } from "./ledger.ts";

export interface WriterOrder {
  readonly redis: string;
  readonly network: string;
  readonly id: string;
  /** In front of its operations' numbers. */
  readonly sender: string;
  readonly messages: number;
  /** Messages that wait for their answer at any time. */
  readonly inFlight: number;
  readonly retry: boolean;
  readonly timeoutMs: number;
  /** Every so many messages one carries an effect. */
  readonly noteEvery: number;
  readonly config: NoteConfig;
}

/** One line of what it prints: an attempt, and of a failed one the code. */
export type WriterLine = Attempt & { readonly code?: string };

const order = JSON.parse(process.argv[2] ?? "") as WriterOrder;
const { redis, network, id, sender, messages, inFlight, retry, timeoutMs, noteEvery, config } = order;
const node = await Pachyderm.start({
  entities: [ledger],
  effects: [note],
  redis,
  network,
  mailbox: messages,
  config,
});

async function sendOne(number: number): Promise<WriterLine> {
  const op = `${sender}:${number}`;
  const message = { type: "add" as const, op, note: number % noteEvery === 0 };
  try {
    const options = retry ? { timeoutMs } : { timeoutMs, retry: false };
    const { handledVersion, version, state, reply } = await node.send(ledger.ref(id), message, options);
    const own = JSON.stringify(reply) === JSON.stringify({ op });
    return { op, outcome: "answered", handledVersion: own ? handledVersion : -1, seen: { version, state } };
  } catch (thrown) {
    if (thrown instanceof PachydermError) return { op, outcome: thrown.outcome, code: thrown.code };
    throw thrown;
  }
}

// In memory before the race begins: whoever commits second has lost, then, however the machine spreads its time.
await node.get(ledger.ref(id));
console.log("ready");
const input = createInterface({ input: process.stdin });
for await (const line of input) if (line === "go") break;
input.close();
process.stdin.destroy();

const lines: WriterLine[] = [];
let next = 0;
async function sendOn(): Promise<void> {
  while (next < messages) lines.push(await sendOne(next++));
}
await Promise.all(Array.from({ length: inFlight }, sendOn));
await node.stop();
process.stdout.write(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
