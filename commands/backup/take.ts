import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import type { Database } from "../../bridges/postgres/connection.ts";
import { type DumpedTable, dumpArchive } from "../../bridges/postgres/dump.ts";
import { readDepartedUntil } from "../../runtime/departed-until.ts";
import type { NatsPorts } from "../../runtime/nats/open.ts";
import { type StreamImage, takeStream } from "../../runtime/nats/stream-snapshot.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import { streams } from "../../schema/subjects.ts";
import { makeFolder } from "../node/folder.ts";
import type { Output } from "../replay/output.ts";
import { printable } from "../server/printable.ts";
import { journalTail } from "./journal-tail.ts";
import { BACKUP_VERSION, BadBackup, MANIFEST_FILE, type Manifest, type Part } from "./manifest.ts";
import { syncFolder, writePart } from "./part-file.ts";
import { isRewritten, partsOf } from "./parts.ts";
import { entriesOf } from "./stream-entries.ts";

/** A part is told of this often while it grows. */
const TELL_EVERY_MS = 5_000;
/** What in a data directory belongs to the process that runs on it. */
const NOT_KEPT = /^(?:lock|database\.url|.*\.log)$/;

const FOLDERS = ["streams", "journal", "database", "files"];

export interface BackupSource {
  readonly ports: Pick<NatsPorts, "connection" | "clock" | "config">;
  /** Its files are kept; undefined where there is none. */
  readonly dataDir: string | undefined;
  /** Its archive; undefined where there is none, or none is to be taken. */
  readonly database: Database | undefined;
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
    for (const each of ["", ...FOLDERS]) {
      makeFolder(join(folder, each));
    }
    const manifest = await takeParts(source, folder, out);
    await writePart(folder, MANIFEST_FILE, bytesOf([`${JSON.stringify(manifest, null, 2)}\n`]));
    for (const each of [...FOLDERS, ""]) await syncFolder(join(folder, each));
    await rename(folder, target);
    await syncFolder(dirname(target));
    return manifest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takeParts({ ports, dataDir, database }: BackupSource, folder: string, out: Output): Promise<Manifest> {
  const { connection, clock } = ports;
  const beganAt = timeOf(clock);
  const files = dataDir === undefined ? [] : await takeFiles(dataDir, folder);
  // Before the journal: the archive must not know of what the journal does not hold.
  const dumped = database === undefined ? undefined : await takeDatabase(database, folder, out);
  const jsm = await jetstreamManager(connection.nc);
  const existing: string[] = [];
  for await (const name of jsm.streams.names()) existing.push(name);

  const taken: Manifest["streams"] = [];
  const rewritten: Manifest["rewritten"] = [];
  let tail: Part | undefined;
  for (const name of partsOf(existing)) {
    const tell = teller(out, name, clock);
    if (isRewritten(name)) {
      const { config, state } = await jsm.streams.info(name);
      const part = await writePart(folder, `streams/${name}`, linesOf(entriesOf(jsm, name)), tell);
      rewritten.push({ ...part, config: { ...config } });
      out.note(`${name}: some ${state.messages} messages, ${inMegabytes(part.bytes)}`);
      continue;
    }
    let image: StreamImage | undefined;
    const chunks = takeStream(connection.nc, name, (began) => {
      image = began;
    });
    const part = await writePart(folder, `streams/${name}`, chunks, tell);
    if (image === undefined) throw new BadBackup(`stream ${name} told nothing of itself`);
    taken.push({ ...part, image: { config: { ...image.config }, state: { ...image.state } } });
    out.note(`${name}: ${image.state.messages} messages, ${inMegabytes(part.bytes)}`);
    if (name !== streams.events.name) continue;
    const entries = journalTail(jsm, Math.max(1, image.state.last_seq), clock);
    tail = await writePart(folder, "journal/tail.jsonl", linesOf(entries));
  }
  if (tail === undefined) throw new BadBackup("the server has no journal");
  requireWhole(await readDepartedUntil(ports.config), dumped?.sequence, out);
  for (const part of files) await requireUnchanged(dataDir!, part);
  return {
    v: BACKUP_VERSION,
    beganAt,
    endedAt: timeOf(clock),
    natsServer: connection.serverVersion,
    streams: taken,
    rewritten,
    journalTail: tail,
    database: dumped?.database ?? null,
    files,
  };
}

async function takeDatabase(database: Database, folder: string, out: Output) {
  const parts = new Map<DumpedTable, Part>();
  const { tables, days, sequence } = await dumpArchive(database, async (table, rows) => {
    parts.set(table, await writePart(folder, `database/${table.schema}.${table.name}`, rows));
  });
  const taken = tables.map((table) => ({ ...table, ...parts.get(table)! }));
  const bytes = taken.reduce((sum, part) => sum + part.bytes, 0);
  out.note(`archive: ${taken.length} tables, ${inMegabytes(bytes)}`);
  return { sequence, database: { tables: taken, days: [...days] } };
}

/** What has left the journal is in the archive alone. */
function requireWhole(departedUntil: number, archivedUntil: number | undefined, out: Output): void {
  if (archivedUntil === undefined) {
    if (departedUntil > 0)
      out.note("WARNING: what has left the journal is in the archive alone, which is not in this backup");
  } else if (departedUntil > archivedUntil) {
    throw new BadBackup("something left the journal while the backup was taken: take it again");
  }
}

/** A key that is exchanged meanwhile may be the wrong one for what was taken before or after. */
async function requireUnchanged(dataDir: string, part: Part): Promise<void> {
  const now = await readFile(join(dataDir, basename(part.file))).catch(() => undefined);
  if (now === undefined || createHash("sha256").update(now).digest("hex") !== part.sha256)
    throw new BadBackup(`${basename(part.file)} was changed while the backup was taken: take it again`);
}

/** Keys and tokens: the files that lie in the data directory itself. What the servers keep is in folders. */
async function takeFiles(dataDir: string, folder: string): Promise<Part[]> {
  const parts: Part[] = [];
  for (const entry of await readdir(dataDir, { withFileTypes: true })) {
    if (!entry.isFile() || NOT_KEPT.test(entry.name)) continue;
    const source = await open(join(dataDir, entry.name));
    parts.push(await writePart(folder, `files/${entry.name}`, source.createReadStream()));
  }
  return parts;
}

/** Written at once: a system call for every line would take longer than reading it. */
const LINES_CHARACTERS = 100_000;

async function* linesOf(entries: AsyncIterable<object>): AsyncGenerator<Uint8Array> {
  let lines = "";
  for await (const entry of entries) {
    lines += `${JSON.stringify(entry)}\n`;
    if (lines.length < LINES_CHARACTERS) continue;
    yield Buffer.from(lines);
    lines = "";
  }
  yield Buffer.from(lines);
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
