// 1,000 counters in turn, 256 sends in flight: no two of one counter at once, so only gathering helps.

import { groupLine, groupLogLine } from "../lines/group.ts";
import { plainLine } from "../lines/plain.ts";
import type { Scenario } from "./scenario.ts";
import { RATE, throughput } from "./throughput.ts";

const SHAPE = { inFlight: 256, counters: 1_000 };

export const spread: Scenario = {
  name: "spread",
  fsync: ["everysec", "always"],
  async prepare(around) {
    const pachyderm = around.pachyderm;
    const always = around.server.fsync === "always";
    const lines = [
      plainLine,
      ...(pachyderm
        ? [
            pachyderm.line({ log: false, snapshot: true }, "Pachyderm, log off"),
            pachyderm.line({ log: true, snapshot: true }, "Pachyderm, log on"),
          ]
        : []),
      groupLine,
      // What bounds the log there: two syncs of the disk for 256 sends, and an entry for each partition.
      ...(always ? [groupLogLine] : []),
    ];
    return [
      {
        title: "spread: 1,000 entities, 256 in flight",
        contestants: lines.map((line) => throughput(line, SHAPE, around)),
        floors: [
          { contestant: "Pachyderm, log off", figure: RATE, of: "ratio", atLeast: always ? 1 : 1.2 },
          { contestant: "Pachyderm, log on", figure: RATE, of: "ratio", atLeast: 1 },
        ],
      },
    ];
  },
};
