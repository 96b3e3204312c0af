// One send in flight: what a single caller waits.

import { randomUUID } from "node:crypto";
import type { Contestant, Figures } from "../contest.ts";
import { drive } from "../drive.ts";
import type { Line } from "../line.ts";
import { plainLine } from "../lines/plain.ts";
import { quantile } from "../statistics.ts";
import type { Around, Scenario } from "./scenario.ts";
import { verify } from "./throughput.ts";

const MOST_SENDS = 50_000;

export const alone: Scenario = {
  name: "alone",
  fsync: ["everysec"],
  async prepare(around) {
    const lines = [
      plainLine,
      ...(around.pachyderm ? [around.pachyderm.line({ log: true, snapshot: true })] : []),
    ];
    return [
      {
        title: "alone: 1 in flight",
        contestants: lines.map((line) => latency(line, around)),
        floors: [{ contestant: "Pachyderm", figure: "p50 ms", of: "ratio", atMost: 1.5 }],
      },
    ];
  },
};

function latency(line: Line, { server, options }: Around): Contestant {
  return {
    name: line.name,
    async measure(): Promise<Figures> {
      const id = randomUUID();
      const stage = await line.open(server);
      const took: number[] = [];
      let sends = 0;
      try {
        const warm = { inFlight: 1, ms: options.warmUpMs, most: MOST_SENDS };
        sends += (await drive(warm, () => stage.send(id))).sends;
        const timed = async (): Promise<void> => {
          const start = performance.now();
          await stage.send(id);
          took.push(performance.now() - start);
        };
        sends += (await drive({ inFlight: 1, ms: options.ms, most: MOST_SENDS }, timed)).sends;
      } finally {
        await stage.close();
      }
      await verify(await line.open(server), new Map([[id, sends]]));
      const sorted = Float64Array.from(took).sort();
      return { "p50 ms": quantile(sorted, 0.5), "p99 ms": quantile(sorted, 0.99) };
    },
  };
}
