// A node that hosts alarms, in a process of its own: of a cluster, or one of several that know nothing of each other.

import { createInterface } from "node:readline";
import { Pachyderm } from "../../src/index.ts";
import { alarm } from "../harness/alarm.ts";

export interface AlarmNodeOrder {
  readonly redis: string;
  readonly network: string;
  /** Milliseconds of a lease; null: unclustered. */
  readonly leaseMs: number | null;
}

const { redis, network, leaseMs } = JSON.parse(process.argv[2] ?? "") as AlarmNodeOrder;
const cluster = leaseMs === null ? {} : { cluster: { port: 0, leaseMs } };
const node = await Pachyderm.start({ entities: [alarm], redis, network, ...cluster });
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) if (line === "stop") break;
process.stdin.destroy();
await node.stop();
