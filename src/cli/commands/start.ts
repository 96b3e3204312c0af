// A node, as a program: settings from the environment and from flags, messages over HTTP, an orderly end.

import { readEnvironment } from "../../node/environment.ts";
import type { Leaf } from "../command.ts";
import { exitCodes, usage } from "../failure.ts";

export const start: Leaf = {
  usage: "start",
  summary: "run a node, with its HTTP door; the log is on standard output",
  reaches: "node",
  options: [],
  hearsSignals: true,
  async run({ variables, output, interrupted }) {
    const environment = await readEnvironment(variables);
    if ((environment.start.entities ?? []).length === 0)
      throw usage("name a module that exports entities, with --entities or PACHYDERM_ENTITIES");
    const { serveNode } = await import("../serve.ts"); // only here: a node is most of the package
    await serveNode(environment, !output.isJson && process.stdout.isTTY === true, interrupted);
    return exitCodes.done;
  },
};
