#!/usr/bin/env node
// The command line, `pachyderm`: docs/cli.md.

import { enableCompileCache } from "node:module";

// Before anything else is loaded: of the time that a command takes, compiling is the most. Where nothing can be kept, it goes
// without.
enableCompileCache();
const { runCli } = await import("./program.ts");

process.exit(await runCli(process.argv.slice(2)));
