#!/usr/bin/env node
// The command line, `pachyderm`: docs/cli.md.

import { runCli } from "./program.ts";

process.exit(await runCli(process.argv.slice(2)));
