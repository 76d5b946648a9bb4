import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { PackagesUnavailable, unpackDebianPackages } from "./debian-package.mjs";
import { withLock } from "./lock.mjs";
import { runByOwnLoader } from "./own-loader.mjs";
import { say } from "./say.mjs";

/** Programs of others that Tocsin is tested with, as a Debian release has them; they run on other releases, too. */
const SUITE = "bookworm";
const PEERS = {
  mosquitto: {
    packages: ["mosquitto", "mosquitto-clients"],
    programs: { MOSQUITTO: "usr/sbin/mosquitto", MOSQUITTO_PUB: "usr/bin/mosquitto_pub" },
    whole: true,
    finish: (folder) => {
      runByOwnLoader(folder, "usr/sbin", ["mosquitto"]);
      runByOwnLoader(folder, "usr/bin", ["mosquitto_pub", "mosquitto_sub"]);
    },
  },
  ntfy: {
    // Only there is it new enough to replace what it has told before.
    suite: "forky",
    packages: ["ntfy"],
    programs: { NTFY_SERVER: "usr/bin/ntfy" },
    whole: false,
  },
  // One static program.
  alertmanager: {
    packages: ["prometheus-alertmanager"],
    programs: { ALERTMANAGER: "usr/bin/prometheus-alertmanager" },
    whole: false,
    finish: (folder) =>
      lookBelow(join(folder, "usr/bin/prometheus-alertmanager"), "/usr/share/prometheus/alertmanager"),
  },
};

export const peers = Object.keys(PEERS);

/**
 * Where a peer's programs are: where the environment says, on PATH, in .tools/, or fetched into .tools/ on Debian.
 * @returns for the environment of what is run; empty where it cannot be had, and tests that need it are skipped
 */
export function peerFor(root, name) {
  const { suite = SUITE, packages, programs, whole, finish = () => undefined } = PEERS[name];
  const folder = join(root, ".tools", name);
  const place = ([variable, file]) => [
    variable,
    process.env[variable] ?? onPath(file.split("/").at(-1)) ?? join(folder, file),
  ];
  const places = Object.entries(programs).map(place);
  if (places.every(([, file]) => existsSync(file))) return Object.fromEntries(places);
  try {
    withLock(root, () => unpackDebianPackages(packages, folder, suite, { whole, finish }));
    return Object.fromEntries(places);
  } catch (error) {
    if (!(error instanceof PackagesUnavailable)) throw error;
    say(`without ${name}, whose tests are skipped: ${error.message}`);
    return {};
  }
}

/**
 * Lets a program that looks for its files at a place of the system's look below the folder that it is started in: of a path
 * the first slash is moved to its end, where it changes nothing, so that everything in the program stays where it is.
 */
function lookBelow(file, path) {
  const program = readFileSync(file);
  const below = Buffer.from(`${path.slice(1)}/`);
  for (let at = program.indexOf(path); at >= 0; at = program.indexOf(path, at)) below.copy(program, at);
  writeFileSync(file, program);
}

/** Debian keeps daemons where an ordinary user's PATH does not look. */
function onPath(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"].filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}
