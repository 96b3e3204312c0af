// A node of which a durable effect never ends, and does not hear that it is to stop. It must come to its end by itself.

import { newId, Pachyderm } from "../../src/index.ts";
import { stuckOn, worker } from "./stuck-effect.ts";

export interface StuckOrder {
  readonly redis: string;
  readonly network: string;
  readonly stopTimeoutMs: number;
}

const { redis, network, stopTimeoutMs } = JSON.parse(process.argv[2] ?? "") as StuckOrder;
const { promise: begun, resolve } = Promise.withResolvers<void>();
const effect = stuckOn(() => {
  resolve();
  return new Promise(() => {});
});
const node = await Pachyderm.start({
  entities: [worker],
  effects: [effect],
  redis,
  network,
  stopTimeoutMs,
  cluster: { port: 0, leaseMs: 500 },
});
await node.send(worker.ref(newId()), { type: "work" });
await begun;
await node.stop();
console.log("stopped");
