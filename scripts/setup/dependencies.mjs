import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./run-command.mjs";
import { SetupError, say } from "./say.mjs";

/** Installs what the lock file names, unless exactly that is installed. */
export function installDependencies(root) {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".tocsin-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("installing dependencies from the lock file …");
  const { ok, output } = runCommand("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root });
  if (!ok) throw new SetupError(`npm ci failed:\n${output}\nIs the npm registry reachable? Then try: npm ci`);
  writeFileSync(stamp, lock);
}
