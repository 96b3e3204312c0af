// Sends until it is killed, and writes down each operation before it is sent and after it was acknowledged: with
// write(2), at once, so that nothing of it is lost with the process.

import { openSync, writeSync } from "node:fs";
import { Pachyderm } from "../../src/index.ts";
import { ledger, note } from "./ledger.ts";

export interface VictimOrder {
  readonly redis: string;
  readonly network: string;
  readonly ids: readonly string[];
  readonly sender: string;
  /** Messages that wait for their answer at any time. */
  readonly inFlight: number;
  /** A line for each thing that happens. */
  readonly diary: string;
}

const order = JSON.parse(process.argv[2] ?? "") as VictimOrder;
const { redis, network, ids, sender, inFlight } = order;
const diary = openSync(order.diary, "a");
const node = await Pachyderm.start({ entities: [ledger], effects: [note], redis, network });

let number = 0;
async function sendOn(place: number): Promise<never> {
  for (;;) {
    const id = ids[(number + place) % ids.length] ?? "";
    const op = `${sender}:${number++}`;
    writeSync(diary, `sent ${id} ${op}\n`);
    const { handledVersion } = await node.send(ledger.ref(id), { type: "add", op });
    writeSync(diary, `acknowledged ${id} ${op} ${handledVersion}\n`);
  }
}
const sending = Promise.all(Array.from({ length: inFlight }, (_, place) => sendOn(place)));
console.log("sending");
await sending;
