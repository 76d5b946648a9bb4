import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { runCommand } from "./run-command.mjs";
import { SetupError, saying } from "./say.mjs";

/**
 * Compiles to dist/, unless dist/ was made from exactly these sources. It is built beside and swapped in: there is never
 * half a build, nor anything left of a source that is gone, and what was there stays when the compiler finds an error.
 */
export function build(root) {
  if (isBuiltFrom(root, fingerprintOf(root))) return;
  withLock(root, () => {
    const fingerprint = fingerprintOf(root);
    if (!isBuiltFrom(root, fingerprint)) saying("building", () => compile(root, fingerprint));
  });
}

const STAMP = ".built-from";

function isBuiltFrom(root, fingerprint) {
  const stamp = join(root, "dist", STAMP);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint;
}

function compile(root, fingerprint) {
  const [dist, fresh, old] = ["dist", "dist.new", "dist.old"].map((name) => join(root, name));
  const remove = (folder) => rmSync(folder, { recursive: true, force: true });
  // An interrupted build leaves them.
  remove(fresh);
  remove(old);
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { ok, output } = runCommand(process.execPath, [compiler, "-p", "tsconfig.build.json", "--outDir", fresh], {
    cwd: root,
  });
  if (!ok) {
    remove(fresh);
    throw new SetupError(`the build failed:\n${output}`);
  }
  writeFileSync(join(fresh, STAMP), fingerprint);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  remove(old);
}

/** Of all that the compiler reads. Size and time of change stand for the content, which takes longer to read. */
function fingerprintOf(root) {
  const { include } = JSON.parse(readFileSync(join(root, "tsconfig.build.json"), "utf8"));
  const files = include.flatMap((folder) => sourcesBelow(join(root, folder)));
  for (const name of ["tsconfig.json", "tsconfig.build.json", "package-lock.json"]) files.push(join(root, name));
  const hash = createHash("sha256");
  for (const file of files.sort()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file.slice(root.length)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

function sourcesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
