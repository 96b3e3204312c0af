// A Valkey, for what Redis 7.0 does not have: on PATH, or where scripts/setup has unpacked it.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const UNPACKED = join(import.meta.dirname, "../../.cache/valkey/usr/bin/valkey-server");

/** Null where there is none: whoever needs it says in words that it was skipped. */
export function findValkey(): string | null {
  for (const program of ["valkey-server", UNPACKED]) {
    if (program === UNPACKED && !existsSync(program)) continue;
    try {
      execFileSync(program, ["--version"], { stdio: "ignore" });
      return program;
    } catch {
      // not there, or of another machine: the next one
    }
  }
  return null;
}
