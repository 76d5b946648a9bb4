import { existsSync } from "node:fs";
import { join } from "node:path";
import { unpackDebianPackages } from "./debian-package.mjs";
import { runCommand } from "./run-command.mjs";
import { SetupError, say } from "./say.mjs";

const AT_LEAST = [2, 14];
/** The Debian suite whose nats-server is new enough and runs on Debian 12 as it is. */
const SUITE = "forky";

const INSTALL_IT = `Install nats-server ${AT_LEAST.join(".")} or newer from its official release page, and set NATS_SERVER to its path.`;

/** @returns the path of a nats-server that is new enough: NATS_SERVER, then PATH, then .tools/, then fetched into .tools/ */
export function findNatsServer(root) {
  const named = process.env.NATS_SERVER;
  if (named) {
    const version = versionOf(named);
    if (version === undefined) throw new SetupError(`NATS_SERVER=${named} does not run. ${INSTALL_IT}`);
    if (!newEnough(version))
      throw new SetupError(`NATS_SERVER=${named} is nats-server ${version}: too old. ${INSTALL_IT}`);
    return named;
  }
  const onPath = versionOf("nats-server");
  if (onPath !== undefined && newEnough(onPath)) return "nats-server";
  const folder = join(root, ".tools", "nats-server");
  const binary = join(folder, "usr", "sbin", "nats-server");
  if (!existsSync(binary)) {
    if (onPath !== undefined) say(`nats-server ${onPath} on PATH is too old`);
    try {
      unpackDebianPackages(["nats-server"], folder, SUITE);
    } catch (error) {
      throw new SetupError(`nats-server could not be fetched: ${error.message}\n${INSTALL_IT}`);
    }
  }
  const version = versionOf(binary);
  if (version === undefined || !newEnough(version))
    throw new SetupError(`${binary} does not run or is too old. ${INSTALL_IT}`);
  return binary;
}

function versionOf(binary) {
  const { ok, stdout } = runCommand(binary, ["--version"]);
  return ok ? /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] : undefined;
}

function newEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > AT_LEAST[0] || (major === AT_LEAST[0] && minor >= AT_LEAST[1]);
}
