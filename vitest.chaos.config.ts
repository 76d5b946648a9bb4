import { defineConfig } from "vitest/config";

/** Campaigns of faults against real processes: minutes long, so apart from the tests, and one at a time. Results: test/chaos/results. */
export default defineConfig({
  test: {
    setupFiles: ["test/support/running.ts"],
    include: ["test/chaos/**/*.campaign.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
  },
});
