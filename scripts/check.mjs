import { runCommand } from "./setup/run-command.mjs";

/** One command checks all; every step runs, so that one look shows everything. */
const steps = [
  ["format and lint", "node_modules/.bin/biome", ["ci", "--error-on-warnings"]],
  ["types", process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"]],
  ["import directions", process.execPath, ["scripts/check-imports.mjs"]],
  ["dead code", process.execPath, ["scripts/check-unused.mjs"]],
  ["generated files", process.execPath, ["dist/schema/generate.main.js", "--check"]],
];

let failed = 0;
for (const [name, command, args] of steps) {
  const started = performance.now();
  const { ok, output } = runCommand(command, args);
  console.log(`${ok ? "ok    " : "FAILED"} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!ok) {
    failed += 1;
    console.log(output);
  }
}
process.exitCode = failed === 0 ? 0 : 1;
