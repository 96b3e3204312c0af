// Stops a node in one of several situations, and then does nothing: like starter.ts it must come to its end by itself.
// Its parent, who can do things to Redis, answers each line that it prints.

import { createInterface } from "node:readline";
import { newId, Pachyderm, PachydermError } from "../../src/index.ts";
import { ledger, note } from "./ledger.ts";

export type Situation = "idle" | "in-flight" | "after-faults" | "while-cut-off";

export interface StopperOrder {
  readonly redis: string;
  readonly network: string;
  readonly situation: Situation;
  readonly stopTimeoutMs: number;
}

/** Its last line. */
export interface StopperLine {
  readonly tookMs: number;
  readonly answered: number;
  /** Code and outcome of each send that failed. */
  readonly failed: readonly string[];
  /** Of a send after stop(). */
  readonly after: string;
  readonly samePromise: boolean;
}

const { redis, network, situation, stopTimeoutMs } = JSON.parse(process.argv[2] ?? "") as StopperOrder;
const node = await Pachyderm.start({ entities: [ledger], effects: [note], redis, network, stopTimeoutMs });
const input = createInterface({ input: process.stdin });
const ids = Array.from({ length: 20 }, () => newId());
let answered = 0;
const failed: string[] = [];

function codeOf(thrown: unknown): string {
  if (thrown instanceof PachydermError) return `${thrown.code} ${thrown.outcome}`;
  throw thrown;
}

async function send(id: string, op: string): Promise<void> {
  try {
    await node.send(ledger.ref(id), { type: "add", op }, { timeoutMs: 30_000 });
    answered += 1;
  } catch (thrown) {
    failed.push(codeOf(thrown));
  }
}

/** Waits until the parent has done what the line asks for. */
async function ask(line: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  input.once("line", () => resolve());
  console.log(line);
  await promise;
}

const sends: Promise<void>[] = [];
const sendMany = (): void => {
  for (const id of ids) for (let i = 0; i < 50; i++) sends.push(send(id, `op:${i}`));
};
await send(ids[0] ?? "", "op:0");
if (situation === "in-flight") sendMany();
if (situation === "after-faults") {
  await ask("hurt");
  sendMany();
  await ask("mend");
  await Promise.all(sends);
}
if (situation === "while-cut-off") {
  await ask("hurt");
  sendMany();
}
input.close();
process.stdin.destroy();

const began = performance.now();
const stopped = [node.stop(), node.stop()];
await Promise.all(stopped);
const tookMs = performance.now() - began;
await Promise.all(sends);
const after = await node
  .send(ledger.ref(ids[0] ?? ""), { type: "add", op: "late" })
  .then(() => "answered", codeOf);
const samePromise = stopped[0] === stopped[1];
console.log(JSON.stringify({ tookMs, answered, failed, after, samePromise } satisfies StopperLine));
