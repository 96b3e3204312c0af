// The timers of an entity, pending and parked: a line for each.

import type { Timer } from "../../node/timers.ts";
import type { Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";
import type { Paint } from "../output.ts";

export const timers: Leaf = {
  usage: "timers <type> <id>",
  summary: "what an entity will be sent at a time to come, and what is parked",
  reaches: "nodes",
  options: [],
  async run(call) {
    const [type = "", id = ""] = call.args;
    const remote = await call.connect();
    const all = await remote.timers({ type, id });
    for (const timer of all) await call.output.tell(timer, (paint) => lineOf(timer, paint));
    if (all.length === 0) await call.output.note("it has no timers");
    return exitCodes.done;
  },
};

function lineOf({ name, dueAt, every, message, attempts, parked }: Timer, { bold, dim, red }: Paint): string {
  const when = dim(new Date(dueAt).toISOString());
  const again = every === null ? "" : `  every ${every} ms`;
  const failed = attempts === 0 ? "" : `  failed ${attempts} times`;
  const why = parked === null ? "" : `  ${red("parked:")} ${parked}`;
  return `${when}  ${bold(name)}${again}  ${JSON.stringify(message)}${failed}${why}`;
}
