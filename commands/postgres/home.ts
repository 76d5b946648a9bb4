import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, readlink, realpath, stat, symlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Owner } from "./programs.ts";

/** Where a server's files go whose owner may not enter the data directory's own folder, such as one below /root. */
const ELSEWHERE = "/var/lib/tocsin";

/**
 * The folder of the embedded PostgreSQL: `postgres` in the data directory. As root the server runs as somebody else, who has
 * to come there: the data directory is opened for passing through (what is in it stays closed); where a folder above it is
 * closed, the files are kept elsewhere, and `postgres` is a link to them.
 */
export async function homeOf(dataDir: string, owner: Owner | undefined): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const folder = await realpath(dataDir);
  const wanted = join(folder, "postgres");
  if (await isLink(wanted)) return ownedBy(owner, resolve(folder, await readlink(wanted)));
  if (owner === undefined) return ownedBy(owner, wanted);
  if (await mayPass(owner, dirname(folder))) {
    const { mode } = await stat(folder);
    if ((mode & 0o001) === 0) await chmod(folder, mode | 0o001);
    return ownedBy(owner, wanted);
  }
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const elsewhere = join(ELSEWHERE, name);
  await mkdir(ELSEWHERE, { recursive: true, mode: 0o755 });
  await symlink(elsewhere, wanted);
  return ownedBy(owner, elsewhere);
}

async function ownedBy(owner: Owner | undefined, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  return folder;
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

/** May this user pass through the folder and all above it? */
async function mayPass({ uid, gid }: Owner, folder: string): Promise<boolean> {
  const found = await stat(folder);
  const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
  if ((found.mode & bit) === 0) return false;
  return folder === dirname(folder) || mayPass({ uid, gid }, dirname(folder));
}
