import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownMirror, ownSuite } from "./debian-sources.mjs";
import { runCommand } from "./run-command.mjs";
import { SetupError, saying } from "./say.mjs";

const KEYRINGS = [".gpg", ".pgp"].map((ending) => `/usr/share/keyrings/debian-archive-keyring${ending}`);

/** The packages are not to be had on this machine: another system, or no way to a mirror that has them. */
export class PackagesUnavailable extends SetupError {
  name = "PackagesUnavailable";
}

/**
 * Unpacks Debian packages into one folder, as an ordinary user and without any change to the system: apt, with folders of
 * its own, fetches and verifies them, dpkg only unpacks. Does nothing when the folder exists: it is complete, or not there.
 * @param names packages. Without `whole`, with those they need: their programs find libraries by LD_LIBRARY_PATH
 * @param suite a Debian suite; default: the machine's own
 * @param whole with all that they need down to the C library, so that another release's programs run: see own-loader.mjs
 * @param finish what else is to be done to the folder before it counts as complete
 * @throws PackagesUnavailable where nothing could be fetched; SetupError when something fails on the way
 */
export function unpackDebianPackages(
  names,
  folder,
  suite = ownSuite(),
  { whole = false, finish = () => undefined } = {},
) {
  if (existsSync(folder)) return;
  const mirror = ownMirror();
  const keyring = KEYRINGS.find((file) => existsSync(file));
  if (mirror === undefined || suite === undefined || keyring === undefined) {
    throw new PackagesUnavailable(
      "this is no Debian with apt sources and the archive's keyring: its packages are not to be had",
    );
  }
  const work = `${folder}.${process.pid}`;
  try {
    saying(`fetching ${names.join(", ")} from Debian ${suite}`, () => {
      const apt = prepareApt(work, `deb [target=Packages signed-by=${keyring}] ${mirror} ${suite} main\n`);
      try {
        apt("update");
      } catch (error) {
        throw new PackagesUnavailable(
          `Debian ${suite} cannot be reached by this machine's apt sources: ${error.message}`,
        );
      }
      if (whole) apt("install", "--download-only", "--yes", "--no-install-recommends", ...names);
      else apt("download", ...names);
      const fetched = whole ? join(work, "cache", "archives") : work;
      for (const file of readdirSync(fetched).filter((name) => name.endsWith(".deb"))) {
        mustWork(runCommand("dpkg-deb", ["-x", join(fetched, file), join(work, "out")]), `dpkg-deb -x ${file}`);
      }
      finish(join(work, "out"));
    });
    // Another process may have been faster, with the same.
    if (!existsSync(folder)) renameSync(join(work, "out"), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** An apt-get that knows only these sources and this folder; how to reach the network it knows from the machine's own. */
function prepareApt(work, sources) {
  for (const part of ["state/lists/partial", "cache/archives/partial", "out"]) {
    mkdirSync(join(work, part), { recursive: true });
  }
  const quoted = (name) => JSON.stringify(join(work, name));
  writeFileSync(join(work, "sources.list"), sources);
  // Empty: what is installed, and in which version, must not matter.
  writeFileSync(join(work, "status"), "");
  const configuration = join(work, "apt.conf");
  writeFileSync(
    configuration,
    `#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Update::Error-Mode "any";
APT::Default-Release "";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Dir::State ${quoted("state")};
Dir::State::status ${quoted("status")};
Dir::Cache ${quoted("cache")};
Dir::Etc::sourcelist ${quoted("sources.list")};
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
`,
  );
  return (...command) =>
    mustWork(runCommand("apt-get", ["-c", configuration, ...command], { cwd: work }), `apt-get ${command[0]}`);
}

function mustWork({ ok, output }, what) {
  if (!ok) throw new SetupError(`${what} failed:\n${output.split("\n").slice(-5).join("\n")}`);
}
