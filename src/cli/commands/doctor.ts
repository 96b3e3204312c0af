// Looks at a Redis: whether it is as it must be run, how fast it is, and whether the laws hold on it.

import { readEnvironment } from "../../node/environment.ts";
import type { Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";

export const doctor: Leaf = {
  usage: "doctor",
  summary: "look at a Redis: settings, speed, and whether all laws hold on it",
  reaches: "redis",
  options: [["--no-laws", "leave out the laws, and the networks that are made for them and removed"]],
  hearsSignals: true,
  async run(call) {
    const { start } = await readEnvironment({ ...call.variables, PACHYDERM_ENTITIES: "" });
    const { examine } = await import("../doctor/examine.ts"); // only here: a node and all laws are much to load
    const isFit = await examine(start.redis ?? "", call);
    return isFit ? exitCodes.done : exitCodes.failed;
  },
};
