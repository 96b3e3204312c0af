// What an entity is now.

import type { Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";
import { shown, tableOf } from "../output.ts";

const LONGEST_MS = 3_600_000;

export const get: Leaf = {
  usage: "get <type> <id>",
  summary: "the state of an entity, or what a query makes of it",
  reaches: "nodes",
  options: [
    ["--query <name>", "a query of the entity, in place of the state"],
    ["--args <json>", "for the query"],
    ["--stale", "from the memory of the node that has it: perhaps not the newest"],
    ["--at-least <cursor>", "not before the place of this cursor"],
    ["--timeout <ms>", "milliseconds until the answer, whatever it is (5000)"],
  ],
  async run(call) {
    const [type = "", id = ""] = call.args;
    const { options, output } = call;
    const query = options.text("query");
    const args = options.json("args");
    const atLeast = options.text("atLeast");
    const timeoutMs = options.whole("timeout", 1, LONGEST_MS);
    const remote = await call.connect();
    const got = await remote.get(
      { type, id },
      {
        stale: options.is("stale"),
        ...(query === undefined ? {} : { query }),
        ...(args === undefined ? {} : { args }),
        ...(atLeast === undefined ? {} : { atLeast }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      },
    );
    const value = "result" in got ? ["result", shown(got.result)] : ["state", shown(got.state)];
    const rows = [value, ["version", `${got.version}`], ["cursor", got.cursor]];
    await output.tell(got, (paint) => tableOf([], rows, paint));
    return exitCodes.done;
  },
};
