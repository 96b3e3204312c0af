// Each send is the first one to its counter: everyone has to ask Redis what is there before deciding.

import { plainLine } from "../lines/plain.ts";
import type { Scenario } from "./scenario.ts";
import { RATE, throughput } from "./throughput.ts";

const SHAPE = { inFlight: 256, counters: "fresh" } as const;

export const cold: Scenario = {
  name: "cold",
  fsync: ["everysec"],
  async prepare(around) {
    const lines = [
      plainLine,
      ...(around.pachyderm ? [around.pachyderm.line({ log: true, snapshot: true })] : []),
    ];
    return [
      {
        title: "cold: first sends, 256 in flight",
        contestants: lines.map((line) => throughput(line, SHAPE, around)),
        floors: [{ contestant: "Pachyderm", figure: RATE, of: "ratio", atLeast: 0.7 }],
      },
    ];
  },
};
