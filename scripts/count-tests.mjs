import { existsSync, readFileSync } from "node:fs";

/** Prints 'N passed, N failed' from vitest's JSON report. A file that failed before its tests ran counts as one. */
const [file] = process.argv.slice(2);
const report = existsSync(file)
  ? JSON.parse(readFileSync(file, "utf8"))
  : { testResults: [{ status: "failed", assertionResults: [] }] };
const statuses = report.testResults.flatMap(({ status, assertionResults }) => {
  const each = assertionResults.map((result) => result.status);
  return status === "failed" && !each.includes("failed") ? [...each, "failed"] : each;
});
const count = (wanted) => statuses.filter((status) => status === wanted).length;
console.log(`${count("passed")} passed, ${count("failed")} failed`);
