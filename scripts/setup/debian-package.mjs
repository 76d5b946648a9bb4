import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./run-command.mjs";
import { SetupError, say } from "./say.mjs";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Unpacks Debian packages into a folder, as an ordinary user and without any change to the system: apt with folders of its
 * own fetches and checks them, dpkg only unpacks.
 * @param names packages, with those they need: nothing is resolved
 * @param suite a Debian suite; default: the machine's own
 * @throws SetupError on a system without apt, and when something could not be fetched
 */
export function unpackDebianPackages(names, folder, suite = ownSuite()) {
  if (existsSync(folder)) return;
  const mirror = ownMirror();
  if (mirror === undefined || suite === undefined || !existsSync(KEYRING)) {
    throw new SetupError("this is no Debian system with apt sources and its archive keyring");
  }
  const work = `${folder}.${process.pid}`;
  try {
    for (const part of ["state/lists/partial", "cache/archives/partial", "out"])
      mkdirSync(join(work, part), { recursive: true });
    const sources = join(work, "tocsin.sources");
    writeFileSync(sources, `Types: deb\nURIs: ${mirror}\nSuites: ${suite}\nComponents: main\nSigned-By: ${KEYRING}\n`);
    const own = [
      `Dir::State=${join(work, "state")}`,
      `Dir::Cache=${join(work, "cache")}`,
      `Dir::Etc::sourcelist=${sources}`,
      "Dir::Etc::sourceparts=/dev/null",
      "APT::Sandbox::User=",
    ].flatMap((option) => ["-o", option]);
    say(`fetching ${names.join(", ")} from Debian ${suite} …`);
    mustWork(runCommand("apt-get", [...own, "update"], { cwd: work }), "apt-get update");
    mustWork(runCommand("apt-get", [...own, "download", ...names], { cwd: work }), "apt-get download");
    for (const file of readdirSync(work).filter((name) => name.endsWith(".deb"))) {
      mustWork(runCommand("dpkg", ["-x", join(work, file), join(work, "out")]), `dpkg -x ${file}`);
    }
    renameSync(join(work, "out"), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function mustWork({ ok, output }, what) {
  if (!ok) throw new SetupError(`${what} failed:\n${output}`);
}

/** The mirror that the machine's own apt sources name for Debian itself. */
function ownMirror() {
  const files = ["/etc/apt/sources.list", ...listed("/etc/apt/sources.list.d")].filter((file) => existsSync(file));
  for (const file of files) {
    for (const line of readFileSync(file, "utf8").split("\n")) {
      const uri = /^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s*)?)(\S+)/.exec(line)?.[1];
      if (uri !== undefined && /\/debian\/?$/.test(uri)) return uri;
    }
  }
  return undefined;
}

function listed(folder) {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function ownSuite() {
  return existsSync("/etc/os-release")
    ? /^VERSION_CODENAME=(\S+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1]
    : undefined;
}
