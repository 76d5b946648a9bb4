import { fileURLToPath } from "node:url";
import { runCommand } from "./setup/run-command.mjs";

/** One command checks all; every step runs, so that one look shows everything. */
const node = process.execPath;
const STEPS = [
  [
    "format and lint",
    "node_modules/.bin/biome",
    ["ci", "--error-on-warnings", `--colors=${process.stdout.isTTY ? "force" : "off"}`],
  ],
  ["types", node, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"]],
  ["import directions", node, ["scripts/check-imports.mjs"]],
  ["dead code", node, ["scripts/check-unused.mjs"]],
  ["generated files", node, ["scripts/run.mjs", "--needs", "build", "dist/schema/generate.main.js", "--check"]],
];

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
let failed = 0;
for (const [name, command, args] of STEPS) {
  const startedMs = performance.now();
  const { ok, output } = runCommand(command, args);
  console.log(`${ok ? "ok    " : "FAILED"} ${name} (${((performance.now() - startedMs) / 1_000).toFixed(1)} s)`);
  if (ok) continue;
  failed += 1;
  console.log(output);
}
if (failed > 0) console.log(`${failed} of ${STEPS.length} failed`);
process.exitCode = failed === 0 ? 0 : 1;
