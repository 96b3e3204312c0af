// What a counter costs the node's heap while it rests in memory.

import { randomUUID } from "node:crypto";
import type { Contestant } from "../contest.ts";
import { each } from "../drive.ts";
import type { Bench } from "../pachyderm.ts";
import type { Around, Scenario } from "./scenario.ts";

const FIGURE = "bytes of heap per resident";
/** With those that warm up, within the default bound of residents: none leaves. */
const WARM_UP = 1_000;
const RESIDENTS = 9_000;

export const residents: Scenario = {
  name: "residents",
  fsync: ["everysec"],
  async prepare(around) {
    if (around.pachyderm === undefined) return [];
    const contestants = [heap(around.pachyderm, around)];
    const floors = [{ contestant: "Pachyderm", figure: FIGURE, of: "value", atMost: 2048 } as const];
    return [{ title: `heap of ${RESIDENTS} idle counters`, contestants, floors, once: true }];
  },
};

function heap(pachyderm: Bench, { server }: Around): Contestant {
  return {
    name: "Pachyderm",
    async measure() {
      const stage = await pachyderm.open(server, { log: true, snapshot: true });
      try {
        // The ids are nobody's but the node's: their text is part of the cost.
        await each(WARM_UP, 256, () => stage.send(randomUUID()));
        const before = await settledHeap();
        await each(RESIDENTS, 256, () => stage.send(randomUUID()));
        return { [FIGURE]: ((await settledHeap()) - before) / RESIDENTS };
      } finally {
        await stage.close();
      }
    },
  };
}

async function settledHeap(): Promise<number> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("the heap is measured with node --expose-gc (npm run bench has it)");
  for (let i = 0; i < 3; i++) {
    await new Promise((done) => setTimeout(done, 50)); // deadlines of answered sends go first
    gc();
  }
  return process.memoryUsage().heapUsed;
}
