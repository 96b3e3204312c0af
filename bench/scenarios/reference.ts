// Line (b): what Redis itself does with the script of line (a), whatever drives it.

import { redisBenchmark } from "../lines/redis-benchmark.ts";
import type { Scenario } from "./scenario.ts";
import { RATE } from "./throughput.ts";

export const reference: Scenario = {
  name: "reference",
  fsync: ["everysec"],
  async prepare({ server, options }) {
    const one = (pipeline: number, sends: number) =>
      redisBenchmark(server, RATE, {
        name: `redis-benchmark -P ${pipeline} (b)`,
        pipeline,
        clients: 64,
        counters: 1_000,
        sends: Math.round((sends * options.ms) / 1_000),
      });
    return [
      {
        title: "reference: 1,000 streams, 64 clients",
        contestants: [one(1, 60_000), one(32, 150_000)],
        floors: [],
      },
    ];
  },
};
