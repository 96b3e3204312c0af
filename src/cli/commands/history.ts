// What an entity was at a version.

import type { Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";
import { wholeOf } from "../options.ts";
import { shown, tableOf } from "../output.ts";

/** The state is made by the entity's own code, which runs at the node of the door, or here. */
export const entitiesOption = [
  "--entities <module>",
  "the module that defines the entity, where no --url names a node that does",
] as const;

export const history: Leaf = {
  usage: "history <type> <id>",
  summary: "what an entity was at a version, and the last events that led there",
  reaches: "nodes",
  options: [
    ["--at <version or cursor>", "the moment (the newest)"],
    ["--limit <number>", "at most so many events (100)"],
    entitiesOption,
  ],
  async run(call) {
    const [type = "", id = ""] = call.args;
    const { options, output } = call;
    const at = options.text("at");
    const limit = options.whole("limit", 0, 1_000);
    const remote = await call.connect();
    const was = await remote.history(
      { type, id },
      {
        ...(at === undefined ? {} : { at: wholeOf(at) ?? at }),
        ...(limit === undefined ? {} : { limit }),
      },
    );
    const rows = [
      ["state", shown(was.state)],
      ["version", `${was.version}`],
      ["cursor", was.cursor],
      ...was.events.map(({ version, event }) => [`event ${version}`, JSON.stringify(event)]),
    ];
    await output.tell(was, (paint) => tableOf([], rows, paint));
    return exitCodes.done;
  },
};
