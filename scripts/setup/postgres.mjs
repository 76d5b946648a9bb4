import { copyFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PackagesUnavailable, unpackDebianPackages } from "./debian-package.mjs";
import { withLock } from "./lock.mjs";
import { runByOwnLoader } from "./own-loader.mjs";
import { SetupError } from "./say.mjs";

/** PostgreSQL servers other than the packaged one, as Debian's releases have them. */
const SERVERS = {
  postgis: { suite: "bookworm", version: 15, packages: ["postgresql-15-postgis-3"], preload: [] },
  timescale: {
    suite: "trixie",
    version: 17,
    packages: ["postgresql-17-postgis-3", "postgresql-17-timescaledb"],
    preload: ["timescaledb"],
  },
};

export const postgresServers = Object.keys(SERVERS);

/**
 * Unpacks a PostgreSQL with its extensions into .tools/, unless it is there: about 160 MB are fetched, 600 MB unpacked.
 * @param name `postgis`: PostgreSQL 15 with PostGIS; `timescale`: PostgreSQL 17 with TimescaleDB (the Apache edition) and PostGIS
 * @returns the folder, where in it the programs are, and the libraries that the server must preload
 * @throws PackagesUnavailable where the packages are not to be had; SetupError when something fails on the way
 */
export function postgresTree(root, name) {
  const { suite, version, packages, preload } = SERVERS[name];
  const folder = join(root, ".tools", `postgres-${version}-${name}`);
  const bin = `usr/lib/postgresql/${version}/bin`;
  if (!existsSync(folder)) {
    const finish = (unpacked) => complete(unpacked, bin, version);
    withLock(root, () => unpackDebianPackages(packages, folder, suite, { whole: true, finish }));
  }
  return { folder, bin, preload };
}

/**
 * What a test run on one of them needs in its environment; a server that TEST_DATABASE_URL names is used as it is.
 * @throws SetupError, which ends it with 0 only where this machine cannot have that server; it says why
 */
export function databaseFor(root, name) {
  try {
    if (!process.env.TEST_DATABASE_URL) postgresTree(root, name);
  } catch (error) {
    if (!(error instanceof PackagesUnavailable)) throw error;
    throw new SetupError(`not run: ${error.message}\n${ELSEWHERE}`, 0);
  }
  return { DATABASE_SERVER: name };
}

const ELSEWHERE =
  "It runs on Debian where apt reaches a mirror of it. Elsewhere, set TEST_DATABASE_URL to a server that has the extensions.";

function complete(folder, bin, version) {
  runByOwnLoader(folder, bin, ["postgres", "initdb", "psql"], {
    PROJ_DATA: "/usr/share/proj",
    PROJ_LIB: "/usr/share/proj",
  });
  // What the package's installation would link.
  const extensions = join(folder, "usr/share/postgresql", String(version), "extension");
  copyFileSync(join(extensions, "postgis-3.control"), join(extensions, "postgis.control"));
  // Half of the files, which nobody reads here.
  for (const unread of ["doc", "man", "locale", "lintian", "perl", "perl5"]) {
    rmSync(join(folder, "usr/share", unread), { recursive: true, force: true });
  }
}
