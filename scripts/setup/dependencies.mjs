import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { runVisibly } from "./run-command.mjs";
import { SetupError, saying } from "./say.mjs";

/** Installs what the lock file names, unless exactly that is installed. */
export function installDependencies(root) {
  if (isStamped(root)) return;
  withLock(root, () => {
    if (isStamped(root)) return;
    if (!isInstalled(root)) saying("installing dependencies with npm ci", () => install(root));
    writeFileSync(stampOf(root), lockHash(root));
  });
}

function install(root) {
  // The compiler is a development dependency, and needed even where NODE_ENV says production.
  const ok = runVisibly("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root });
  if (!ok) {
    throw new SetupError(
      "npm ci failed, see above. If the registry cannot be reached, put that right (npm config get registry) and run this again.",
    );
  }
}

const stampOf = (root) => join(root, "node_modules", ".tocsin-lock");

const lockHash = (root) =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");

function isStamped(root) {
  return read(stampOf(root)) === lockHash(root);
}

/** Whether npm's own record in node_modules agrees with the lock file: then npm was run by hand. */
function isInstalled(root) {
  const record = read(join(root, "node_modules", ".package-lock.json"));
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages;
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(packages).every(([path, { version, integrity, optional }]) => {
    if (path === "") return true;
    const found = installed[path];
    // Optional ones are for some platforms only.
    return found === undefined ? optional === true : found.version === version && found.integrity === integrity;
  });
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
