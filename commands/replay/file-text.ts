import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";

/** The file cannot be read as text. The message is for a person at a terminal. */
export class UnreadableFile extends Error {
  override name = "UnreadableFile";
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** @throws UnreadableFile for what is surely not CSV text, plain or gzipped */
function isGzip(head: Buffer): boolean {
  const magic = head.toString("hex");
  if (magic === "") throw new UnreadableFile("the file is empty");
  if (magic.startsWith("504b0304")) throw new UnreadableFile("this is a zip archive: unpack it first");
  if (magic.startsWith("fffe") || magic.startsWith("feff"))
    throw new UnreadableFile("this is UTF-16 text: save it as UTF-8 first");
  return magic.startsWith("1f8b");
}

/**
 * The file's text piece by piece, UTF-8, unzipped where its first bytes say gzip, whatever its name.
 * @throws UnreadableFile
 */
export async function* readText(path: string): AsyncGenerator<string> {
  try {
    const gzip = isGzip(await firstBytes(path));
    const source = createReadStream(path);
    // pipeline hands an error of one to the other; the loop below throws it.
    const bytes: AsyncIterable<Buffer> = gzip ? pipeline(source, createGunzip(), () => {}) : source;
    const decoder = new TextDecoder("utf-8");
    for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if (error instanceof UnreadableFile || !(error instanceof Error)) throw error;
    throw new UnreadableFile(error.message, { cause: error });
  }
}
