import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { BadBackup, type Part } from "./manifest.ts";

/** Writes a part that nobody else may read, onto the disk. @returns what the manifest says of it */
export async function writePart(
  folder: string,
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<Part> {
  const hash = createHash("sha256");
  let bytes = 0;
  const output = await open(join(folder, file), "wx", 0o600);
  try {
    for await (const chunk of chunks) {
      await output.appendFile(chunk);
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(bytes);
    }
    await output.sync();
  } finally {
    await output.close();
  }
  return { file, bytes, sha256: hash.digest("hex") };
}

/** @throws BadBackup when the part is not what was written */
export async function checkPart(folder: string, { file, bytes, sha256 }: Part): Promise<void> {
  const hash = createHash("sha256");
  let read = 0;
  try {
    for await (const chunk of createReadStream(join(folder, file))) {
      hash.update(chunk);
      read += chunk.length;
    }
  } catch (error) {
    throw new BadBackup(`${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  if (read !== bytes) throw new BadBackup(`${file} has ${read} bytes, not the ${bytes} that were written`);
  if (hash.digest("hex") !== sha256) throw new BadBackup(`${file} was changed: its SHA-256 is another one`);
}

/** So that a rename or a new file in a folder is on the disk as well. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

/** All that is in a folder, and the folder. */
export async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await syncFolder(path);
  }
  await syncFolder(folder);
}
