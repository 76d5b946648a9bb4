import { defineConfig } from "vitest/config";

/** What is tested of the archive, on another database server than the packaged one: see test/support/database-server.ts. */
export default defineConfig({
  test: {
    setupFiles: ["test/support/running.ts"],
    include: ["{bridges/postgres,test/archive}/**/*.test.ts"],
    globalSetup: "test/support/database-server.ts",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
