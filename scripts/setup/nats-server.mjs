import { accessSync, constants, rmSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { unpackDebianPackages } from "./debian-package.mjs";
import { withLock } from "./lock.mjs";
import { unpackRelease } from "./nats-release.mjs";
import { runCommand } from "./run-command.mjs";
import { SetupError, say } from "./say.mjs";
import { atLeast } from "./version.mjs";

const NEEDED = "2.14";
/** The Debian suite whose nats-server is new enough; it is one static program and runs on older Debian as it is. */
const SUITE = "forky";

const INSTALL_IT = `Install nats-server ${NEEDED} or newer (https://github.com/nats-io/nats-server/releases), and put it on PATH or set NATS_SERVER to its path.`;

/**
 * @returns the path of a nats-server that is new enough: NATS_SERVER, then PATH, then .tools/, then fetched into .tools/
 * @throws SetupError
 */
export function findNatsServer(root) {
  const named = process.env.NATS_SERVER;
  if (named) return checked(named.includes("/") ? resolve(named) : (onPath(named) ?? named), "NATS_SERVER");
  const installed = onPath("nats-server");
  if (installed !== undefined && isNewEnough(installed)) return installed;
  const folder = join(root, ".tools", "nats-server");
  return unpacked(folder) ?? withLock(root, () => unpacked(folder) ?? fetched(folder, installed));
}

/** Of Debian's package, and of the release archive. */
function unpacked(folder) {
  return [join(folder, "usr", "sbin", "nats-server"), join(folder, "nats-server")].find((file) => isNewEnough(file));
}

function fetched(folder, installed) {
  if (installed !== undefined) say(`${installed} is nats-server ${versionOf(installed) ?? "?"}: too old, not used`);
  const ways = [() => unpackDebianPackages(["nats-server"], folder, SUITE), () => unpackRelease(folder)];
  for (const way of ways) {
    rmSync(folder, { recursive: true, force: true });
    try {
      way();
      const binary = unpacked(folder);
      if (binary !== undefined) return binary;
      say("the nats-server that was fetched does not run here");
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      say(error.message);
    }
  }
  throw new SetupError(`nats-server could not be fetched. ${INSTALL_IT}`);
}

function checked(file, source) {
  const version = versionOf(file);
  if (version === undefined) throw new SetupError(`${source}: ${file} does not run as nats-server. ${INSTALL_IT}`);
  if (!atLeast(version, NEEDED)) {
    throw new SetupError(
      `${source}: ${file} is nats-server ${version}, and ${NEEDED} or newer is needed. ${INSTALL_IT}`,
    );
  }
  return file;
}

function isNewEnough(file) {
  const version = versionOf(file);
  return version !== undefined && atLeast(version, NEEDED);
}

function versionOf(file) {
  const { ok, stdout } = runCommand(file, ["--version"], { timeout: 10_000 });
  return ok ? /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] : undefined;
}

function onPath(name) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
