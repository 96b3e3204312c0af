// What a view costs the commits of its entities: one row with one index, which each commit changes, beside the same counter
// without; and what the same writes cost a bare script, in the same run. 1,000 entities, 256 in flight. Each measurement
// begins with an empty Redis: how large the indexes are is a part of what a row costs.

import { Redis } from "ioredis";
import type { Contestant } from "../contest.ts";
import { groupLine, groupRowsLine } from "../lines/group.ts";
import type { Server } from "../redis.ts";
import type { Scenario } from "./scenario.ts";
import { RATE, throughput } from "./throughput.ts";

const SHAPE = { inFlight: 256, counters: 1_000 };

export const views: Scenario = {
  name: "views",
  fsync: ["everysec"],
  async prepare(around) {
    const { pachyderm } = around;
    if (pachyderm === undefined) return [];
    const lines = [
      pachyderm.line({ log: true, snapshot: true }, "Pachyderm, no views"),
      pachyderm.line({ log: true, snapshot: true, view: "changes" }, "Pachyderm, a row with an index"),
      pachyderm.line({ log: true, snapshot: true, view: "stays" }, "Pachyderm, a row that stays"),
    ];
    return [
      {
        title: "views: 1,000 entities, 256 in flight",
        contestants: lines.map((line) => afresh(throughput(line, SHAPE, around), around.server)),
        floors: [{ contestant: "Pachyderm, a row with an index", figure: RATE, of: "ratio", atLeast: 0.55 }],
      },
      {
        title: "views, raw: the same without a framework",
        contestants: [groupLine, groupRowsLine].map((line) =>
          afresh(throughput(line, SHAPE, around), around.server),
        ),
        floors: [],
      },
    ];
  },
};

function afresh(contestant: Contestant, server: Server): Contestant {
  return {
    name: contestant.name,
    async measure() {
      const redis = new Redis(server.url);
      await redis.flushall();
      await redis.quit();
      return await contestant.measure();
    },
  };
}
