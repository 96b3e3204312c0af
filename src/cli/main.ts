#!/usr/bin/env node
// The command line, `pachyderm`: docs/cli.md.

import module from "node:module"; // as a whole: older Nodes have no such name in it, and must live to say so
import { nodeProblem } from "./node-version.ts";

const problem = nodeProblem(process.versions.node);
if (problem !== undefined) {
  console.error(problem);
  process.exit(2);
}

// Before anything else is loaded: of the time that a command takes, compiling is the most. Where nothing can be kept, it goes
// without.
module.enableCompileCache();
const { runCli } = await import("./program.ts");

process.exit(await runCli(process.argv.slice(2)));
