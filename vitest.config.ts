import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    setupFiles: ["test/support/running.ts"],
    include: ["{schema,actors,runtime,gateways,client,bridges,commands,bench,test}/**/*.test.ts"],
    // Tests start servers: a process each, and no more at once than a small machine bears.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["{actors,runtime,schema,gateways,client,bridges}/**/*.ts"],
      exclude: ["**/*.test.ts", "**/*.main.ts"],
      reporter: ["text-summary", ["text", { skipFull: true, maxCols: 100 }]],
      thresholds: { lines: 85 },
    },
  },
});
