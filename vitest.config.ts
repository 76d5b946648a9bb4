import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{schema,actors,runtime,gateways,commands,bench,test}/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["{actors,runtime,schema,gateways}/**/*.ts"],
      exclude: ["**/*.test.ts", "**/*.main.ts"],
      reporter: ["text-summary", "json-summary"],
      thresholds: { lines: 85 },
    },
  },
});
