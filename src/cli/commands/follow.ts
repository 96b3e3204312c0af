// The events of an entity as they come: past ones, then each that is committed, until it is interrupted.

import type { Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";
import { lineOf } from "./events.ts";

export const follow: Leaf = {
  usage: "follow <type> <id>",
  summary: "what happens to an entity, an event on each line, until it is interrupted",
  reaches: "nodes",
  options: [
    ["--from <version>", "the first version, inclusive (1)"],
    ["--after <cursor>", "begin behind this cursor"],
    ["--limit <number>", "at most so many, then end (none)"],
  ],
  hearsSignals: true,
  async run({ args, options, output, interrupted, connect }) {
    const [type = "", id = ""] = args;
    const from = options.text("after") ?? options.whole("from", 1, Number.MAX_SAFE_INTEGER) ?? 1;
    let left = options.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY;
    const remote = await connect();
    for await (const recorded of remote.follow({ type, id }, from, interrupted)) {
      await output.tell(recorded, (paint) => lineOf(recorded, paint));
      left -= 1;
      if (left === 0) break;
    }
    return exitCodes.done;
  },
};
