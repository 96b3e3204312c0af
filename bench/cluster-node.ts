// A node in a process of its own that sends as it is told: an order is a line of JSON on standard input, what came of it a
// line on standard output. Ends when its parent does.

import { createInterface } from "node:readline";
import { drive, each, type Load } from "./drive.ts";
import { findPachyderm } from "./pachyderm.ts";

/** Sends to these counters in turn; without a load, tells what they hold together. */
export interface Order {
  readonly ids: readonly string[];
  readonly load?: Load;
}

/** `value`: sends, or what the counters hold. */
export interface Report {
  readonly value: number;
  readonly perSecond: number;
}

const [url = "", network = ""] = process.argv.slice(2);
const bench = await findPachyderm();
if (bench === undefined) throw new Error("there is no package");
const stage = await bench.open({ url }, { log: true, snapshot: true, cluster: { network, host: true } });
console.log("ready");

async function carryOut({ ids, load }: Order): Promise<Report> {
  const id = (index: number): string => ids[index % ids.length] ?? "";
  if (load !== undefined) {
    const { sends, perSecond } = await drive(load, (index) => stage.send(id(index)));
    return { value: sends, perSecond };
  }
  let value = 0;
  await each(ids.length, 64, async (index) => {
    const held = await stage.count(id(index)); // first: others count meanwhile
    value += held;
  });
  return { value, perSecond: 0 };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await carryOut(JSON.parse(line) as Order)));
}
process.exit();
