import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsPorts } from "../../runtime/nats/open.ts";
import { type StreamImage, takeStream } from "../../runtime/nats/stream-snapshot.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import { streams } from "../../schema/subjects.ts";
import type { Output } from "../replay/output.ts";
import { printable } from "../server/printable.ts";
import { journalTail } from "./journal-tail.ts";
import { BACKUP_VERSION, BadBackup, MANIFEST_FILE, type Manifest, type Part } from "./manifest.ts";
import { syncFolder, writePart } from "./part-file.ts";
import { partsOf } from "./parts.ts";

/** A part is told of this often while it grows. */
const TELL_EVERY_MS = 5_000;
/** What in a data directory belongs to the process that runs on it. */
const NOT_KEPT = new Set(["lock"]);

export interface BackupSource {
  readonly ports: Pick<NatsPorts, "connection" | "clock">;
  /** Its files are kept; undefined where there is none. */
  readonly dataDir: string | undefined;
}

/**
 * Takes a backup of a running system. It is written beside `target` and renamed in the end: a broken-off one never looks
 * like a whole one.
 * @throws BadBackup when `target` exists; PortUnavailable when the server breaks off
 */
export async function takeBackup(source: BackupSource, target: string, out: Output): Promise<Manifest> {
  if (existsSync(target)) throw new BadBackup(`${printable(target)} exists: a backup needs a new folder`);
  const folder = `${target}.partial-${process.pid}`;
  try {
    for (const each of ["", "streams", "journal", "files"]) {
      await mkdir(join(folder, each), { recursive: true, mode: 0o700 });
    }
    const manifest = await takeParts(source, folder, out);
    await writePart(folder, MANIFEST_FILE, bytesOf([`${JSON.stringify(manifest, null, 2)}\n`]));
    for (const each of ["streams", "journal", "files", ""]) await syncFolder(join(folder, each));
    await rename(folder, target);
    await syncFolder(dirname(target));
    return manifest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takeParts({ ports, dataDir }: BackupSource, folder: string, out: Output): Promise<Manifest> {
  const { connection, clock } = ports;
  const beganAt = timeOf(clock);
  // Before all else: a key must not be newer than what it opens, and it is never changed.
  const files = dataDir === undefined ? [] : await takeFiles(dataDir, folder);
  const jsm = await jetstreamManager(connection.nc);
  const existing: string[] = [];
  for await (const name of jsm.streams.names()) existing.push(name);

  const taken: Manifest["streams"] = [];
  let tail: Part | undefined;
  for (const name of partsOf(existing)) {
    let image: StreamImage | undefined;
    const chunks = takeStream(connection.nc, name, (began) => {
      image = began;
    });
    const part = await writePart(folder, `streams/${name}`, chunks, teller(out, name, clock));
    if (image === undefined) throw new BadBackup(`stream ${name} told nothing of itself`);
    taken.push({ ...part, image: { config: { ...image.config }, state: { ...image.state } } });
    out.note(`${name}: ${image.state.messages} messages, ${inMegabytes(part.bytes)}`);
    if (name !== streams.events.name) continue;
    const entries = journalTail(jsm, Math.max(1, image.state.last_seq), clock);
    tail = await writePart(folder, "journal/tail.jsonl", linesOf(entries));
  }
  if (tail === undefined) throw new BadBackup("the server has no journal");
  return {
    v: BACKUP_VERSION,
    beganAt,
    endedAt: timeOf(clock),
    natsServer: connection.serverVersion,
    streams: taken,
    journalTail: tail,
    files,
  };
}

/** Keys and tokens: the files that lie in the data directory itself. What the servers keep is in folders. */
async function takeFiles(dataDir: string, folder: string): Promise<Part[]> {
  const parts: Part[] = [];
  for (const entry of await readdir(dataDir, { withFileTypes: true })) {
    if (!entry.isFile() || NOT_KEPT.has(entry.name)) continue;
    const source = await open(join(dataDir, entry.name));
    parts.push(await writePart(folder, `files/${entry.name}`, source.createReadStream()));
  }
  return parts;
}

async function* linesOf(entries: AsyncIterable<object>): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) yield Buffer.from(`${JSON.stringify(entry)}\n`);
}

async function* bytesOf(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

function teller(out: Output, name: string, clock: Clock): (bytes: number) => void {
  let lastMs = clock.monotonicMs();
  return (bytes) => {
    if (clock.monotonicMs() - lastMs < TELL_EVERY_MS) return;
    lastMs = clock.monotonicMs();
    out.note(`${name}: ${inMegabytes(bytes)} so far`);
  };
}

const inMegabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

const timeOf = (clock: Clock) => new Date(clock.now()).toISOString();
