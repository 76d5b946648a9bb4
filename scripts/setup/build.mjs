import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./run-command.mjs";
import { SetupError, say } from "./say.mjs";

const SOURCES = ["schema", "actors", "runtime", "gateways", "commands", "bench", "test/simulation"];

/** Compiles to dist/, unless dist/ was made from exactly these sources. Built beside and swapped in: never half a build. */
export function build(root) {
  const fingerprint = fingerprintOf(root);
  const dist = join(root, "dist");
  const stamp = join(dist, ".built-from");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint) return;
  say("building …");
  const fresh = join(root, `dist.${process.pid}`);
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { ok, output } = runCommand(process.execPath, [compiler, "-p", "tsconfig.build.json", "--outDir", fresh], {
    cwd: root,
  });
  if (!ok) {
    rmSync(fresh, { recursive: true, force: true });
    throw new SetupError(`the build failed:\n${output}`);
  }
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, ".built-from"), fingerprint);
  const old = join(root, `dist.${process.pid}.old`);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
}

function fingerprintOf(root) {
  const hash = createHash("sha256");
  const files = SOURCES.flatMap((folder) => filesBelow(join(root, folder))).concat(
    ["tsconfig.json", "tsconfig.build.json", "package-lock.json"].map((name) => join(root, name)),
  );
  for (const file of files.sort()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file.slice(root.length)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
