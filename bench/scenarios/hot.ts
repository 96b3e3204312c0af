// One counter, 64 sends in flight: what batching of turns is worth.

import { groupLine } from "../lines/group.ts";
import { plainLine } from "../lines/plain.ts";
import type { Scenario } from "./scenario.ts";
import { RATE, throughput } from "./throughput.ts";

const SHAPE = { inFlight: 64, counters: 1 };

export const hot: Scenario = {
  name: "hot",
  fsync: ["everysec", "always"],
  async prepare(around) {
    const pachyderm = around.pachyderm;
    const lines = [
      plainLine,
      ...(pachyderm
        ? [
            pachyderm.line({ log: false, snapshot: true }, "Pachyderm, log off"),
            pachyderm.line({ log: true, snapshot: true }, "Pachyderm, log on"),
          ]
        : []),
      groupLine,
    ];
    return [
      {
        title: "hot: 1 entity, 64 in flight",
        contestants: lines.map((line) => throughput(line, SHAPE, around)),
        floors: ["Pachyderm, log off", "Pachyderm, log on"].map((contestant) => ({
          contestant,
          figure: RATE,
          of: "ratio",
          atLeast: 12,
        })),
      },
    ];
  },
};
