import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./say.mjs";

/**
 * Lets programs of a folder of Debian packages run by that folder's own loader and libraries, whatever release this machine
 * runs: no root, no chroot, nothing mounted. Each is put aside, and a script of its name starts it. (The kernel would take
 * the loader from the machine's own /lib64, whose C library may be older than they need.) The folder may be moved.
 * @param bin where the programs are, below the folder
 * @param environment what else they need, a value that begins with / being a place below the folder
 */
export function runByOwnLoader(folder, bin, programs, environment = {}) {
  const libraries = libraryFolders(folder);
  const loader = libraries
    .flatMap((below) => readdirSync(join(folder, below)).map((name) => join(below, name)))
    .find((file) => /\/ld-linux[^/]*\.so\.\d$/.test(file));
  if (loader === undefined) throw new SetupError(`there is no loader among the packages in ${folder}`);
  const aside = join(bin, "..", "programs");
  mkdirSync(join(folder, aside), { recursive: true });
  for (const program of programs) {
    renameSync(join(folder, bin, program), join(folder, aside, program));
    writeFileSync(join(folder, bin, program), script({ bin, aside, program, loader, libraries, environment }), {
      mode: 0o755,
    });
  }
}

/** Debian keeps them in a folder per architecture, and alternatives that an installation would link to below that. */
function libraryFolders(folder) {
  return ["usr/lib", "lib"].flatMap((parent) => {
    const architectures = existsSync(join(folder, parent))
      ? readdirSync(join(folder, parent)).filter((name) => /-linux-gnu/.test(name))
      : [];
    return architectures
      .flatMap((name) => ["", "/blas", "/lapack"].map((more) => `${parent}/${name}${more}`))
      .filter((below) => existsSync(join(folder, below)));
  });
}

/** By `--argv0` a program that looks for what belongs to it beside itself finds the scripts, and so stays within. */
function script({ bin, aside, program, loader, libraries, environment }) {
  const exports = Object.entries(environment).map(
    ([name, value]) => `export ${name}="${value.startsWith("/") ? `$root${value}` : value}"\n`,
  );
  return `#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=\${here%/${bin}}
${exports.join("")}exec "$root/${loader}" --library-path "${libraries.map((each) => `$root/${each}`).join(":")}" \\
  --argv0 "$here/${program}" "$root/${aside}/${program}" "$@"
`;
}
