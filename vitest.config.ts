import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Each file in a process of its own: what one starts and breaks, no other sees.
    pool: "forks",
    maxWorkers: 2,
    // Where something hangs; a machine that does other work too takes several times as long as an idle one.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A test that fails once is a finding.
    retry: 0,
  },
});
