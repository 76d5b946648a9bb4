import { existsSync, readFileSync } from "node:fs";

/**
 * Prints 'N passed, N failed' of vitest's JSON reports together. A report that is missing counts as a failure, and so does a
 * file that failed before its tests ran.
 */
const results = process.argv
  .slice(2)
  .flatMap((file) =>
    existsSync(file)
      ? JSON.parse(readFileSync(file, "utf8")).testResults
      : [{ status: "failed", assertionResults: [] }],
  );
const statuses = results.flatMap(({ status, assertionResults }) => {
  const each = assertionResults.map((result) => result.status);
  return status === "failed" && !each.includes("failed") ? [...each, "failed"] : each;
});
const count = (wanted) => statuses.filter((status) => status === wanted).length;
console.log(`${count("passed")} passed, ${count("failed")} failed`);
