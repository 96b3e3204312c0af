// Whether tests with containers can run here: where no Docker answers, they are skipped, and say so.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { TestContext } from "vitest";

// Containers are removed by the tests themselves. (The container that would watch over them needs an image of its own.)
process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";

/** Null: Docker answers. Else why these tests cannot run, in words. */
export async function whyNoDocker(): Promise<string | null> {
  try {
    await promisify(execFile)("docker", ["info", "--format", "{{.ServerVersion}}"], { timeout: 5_000 });
    return null;
  } catch {
    return "no Docker answers here (docker info), and this starts containers";
  }
}

/** Skips a test that has a reason to be, in words that everybody sees: reporters keep the note of a skip to themselves. */
export function skipFor(reason: string | null, { skip, task }: TestContext): void {
  if (reason === null) return;
  console.log(`skipped: "${task.name}": ${reason}`);
  skip(reason);
}
