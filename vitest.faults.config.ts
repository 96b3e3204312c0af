import { defineConfig } from "vitest/config";

/**
 * The fault tests alone, in their long form (test/harness/rounds.ts), one file after the other, so that their numbers are
 * those of an idle machine.
 */
export default defineConfig({
  test: {
    include: [
      "test/faults/**/*.test.ts",
      "test/harness/log-checker.test.ts",
      "test/node/program.test.ts",
      "test/demo/*.test.ts",
    ],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 900_000,
    env: { PACHYDERM_FAULTS: "long" },
    hookTimeout: 30_000,
    retry: 0,
  },
});
