import { createReadStream, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { copyFile, open, readlink, rename, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Database } from "../../bridges/postgres/connection.ts";
import { type DumpedTable, loadArchive } from "../../bridges/postgres/dump.ts";
import { giveStream, type StreamImage } from "../../runtime/nats/stream-snapshot.ts";
import { type Log, PortUnavailable } from "../../runtime/ports/index.ts";
import { streams } from "../../schema/subjects.ts";
import { makeFolder, unusable } from "../node/folder.ts";
import type { Output } from "../replay/output.ts";
import { printable } from "../server/printable.ts";
import { type TailEntry, tailEntryOf } from "./journal-tail.ts";
import { BadBackup, type Manifest, readManifest } from "./manifest.ts";
import { checkPart, syncFolder, syncTree } from "./part-file.ts";
import { type Entry, writeEntries } from "./stream-entries.ts";

const JOURNAL = streams.events.name;

/** Reads the manifest, and holds every part against its hash. @throws BadBackup */
export async function checkBackup(source: string, out: Output): Promise<Manifest> {
  const manifest = await readManifest(source);
  const { streams: images, rewritten, journalTail, database, files } = manifest;
  const parts = [...images, ...rewritten, journalTail, ...(database?.tables ?? []), ...files];
  for (const part of parts) await checkPart(source, part);
  out.note(`the backup of ${manifest.beganAt} is as it was written`);
  return manifest;
}

/** A data directory that restoring may make. @throws BadBackup when something is there */
export function requireEmpty(dataDir: string): void {
  if (!existsSync(dataDir) || readdirSync(dataDir).length === 0) return;
  throw new BadBackup(
    `${printable(dataDir)} is not empty: nothing is restored over what is there. Move it away, or name another DATA_DIR`,
  );
}

/** Keys and tokens, for nobody else to read. */
export async function restoreFiles(source: string, { files }: Manifest, folder: string): Promise<void> {
  makeFolder(folder);
  for (const { file } of files) {
    const to = join(folder, basename(file));
    await copyFile(join(source, file), to);
    const handle = await open(to, "r+");
    await handle.chmod(0o600);
    await handle.sync().finally(() => handle.close());
  }
}

/**
 * Makes all streams, and completes the commit that the journal's image ends in.
 * @throws BadBackup when the server has one of them already, or something else than was backed up came of it
 */
export async function restoreStreams(
  source: string,
  { streams: images, rewritten, journalTail }: Pick<Manifest, "streams" | "rewritten" | "journalTail">,
  nc: NatsConnection,
  replicas: number,
  out: Output,
): Promise<void> {
  const jsm = await jetstreamManager(nc);
  const wanted = new Set([...images.map(({ image }) => image), ...rewritten].map(({ config }) => config.name));
  for await (const name of jsm.streams.names()) {
    if (wanted.has(name))
      throw new BadBackup(`the server has a stream ${name}: nothing is restored over what is there`);
  }
  for (const { file, image } of images) {
    const { config, state } = image as unknown as StreamImage;
    await giveStream(nc, { config: { ...config, num_replicas: replicas }, state }, chunksOf(join(source, file)));
    if (config.name === JOURNAL) await completeJournal(nc, readTail(join(source, journalTail.file)));
    const now = (await jsm.streams.info(config.name)).state;
    // How many they are tells nothing: what had left it meanwhile is in no image. The journal is checked as a whole afterwards.
    if (now.last_seq < state.last_seq)
      throw new BadBackup(`of stream ${config.name} came all up to ${now.last_seq}, not up to ${state.last_seq}`);
    out.note(`${config.name}: ${now.messages} messages`);
  }
  for (const { file, config } of rewritten) {
    // As the server itself told it when the backup was taken; the manifest's schema names only what is looked at here.
    await jsm.streams.add({ ...(config as unknown as StreamConfig), num_replicas: replicas });
    await writeEntries(nc, readEntries(join(source, file)));
    const { state } = await jsm.streams.info(config.name);
    out.note(`${config.name}: ${state.messages} messages`);
  }
}

async function* readEntries(file: string): AsyncGenerator<Entry> {
  let rest = "";
  for await (const chunk of createReadStream(file, "utf8")) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as Entry;
  }
}

/** Makes the archive anew, for the streams that were restored. @throws ArchiveNotEmpty */
export async function restoreDatabase(
  source: string,
  dumped: NonNullable<Manifest["database"]>,
  database: Database,
  nc: NatsConnection,
  log: Log,
  out: Output,
): Promise<void> {
  const jsm = await jetstreamManager(nc);
  const epochOf = async (stream: string) => (await jsm.streams.info(stream)).created;
  const epochs = {
    events: await epochOf(JOURNAL),
    locations: await epochOf(streams.locations.name),
    alerts: await epochOf(streams.alerts.name),
  };
  const files = new Map(dumped.tables.map(({ schema, name, file }) => [`${schema}.${name}`, file]));
  const rowsOf = ({ schema, name }: DumpedTable) => chunksOf(join(source, files.get(`${schema}.${name}`)!));
  await loadArchive(database, dumped, rowsOf, epochs, log);
  out.note(`archive: ${dumped.tables.length} tables`);
}

const CHUNK_BYTES = 128 * 1_024;

async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  const handle = await open(file);
  for await (const chunk of handle.createReadStream({ highWaterMark: CHUNK_BYTES })) yield chunk;
}

function readTail(file: string): TailEntry[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as TailEntry);
}

async function completeJournal(nc: NatsConnection, tail: readonly TailEntry[]): Promise<void> {
  const jsm = await jetstreamManager(nc);
  const { last_seq: last } = (await jsm.streams.info(JOURNAL)).state;
  if (last === 0) return;
  const newest = await jsm.streams.getMessage(JOURNAL, { seq: last });
  if (newest === null) throw new BadBackup(`the journal has no entry ${last}, its last`);
  if (tailEntryOf(newest).ends) return;
  for (const { sequence, subject, payload, ends } of tail.filter((entry) => entry.sequence > last)) {
    const ack = (await nc.request(subject, payload)).json<{ readonly seq?: number }>();
    if (ack.seq !== sequence) throw new PortUnavailable(`entry ${sequence} could not be appended`);
    if (ends) return;
  }
  throw new BadBackup(`the journal ends within a commit, and what follows sequence ${last} is not in the backup`);
}

/** Runs `fill` on a folder beside the data directory, which becomes the data directory when it is done, and is gone when it fails. */
export async function makingDataDirectory<T>(dataDir: string, fill: (folder: string) => Promise<T>): Promise<T> {
  const target = resolve(dataDir);
  const folder = `${target}.restoring-${process.pid}`;
  try {
    requireEmpty(dataDir);
    makeFolder(folder);
  } catch (error) {
    throw unusable(dataDir, error);
  }
  try {
    const made = await fill(folder);
    await syncTree(folder);
    requireEmpty(dataDir);
    rmSync(target, { recursive: true, force: true });
    await rename(folder, target);
    await syncFolder(join(target, ".."));
    return made;
  } finally {
    // The database's files may be elsewhere: see homeOf.
    const elsewhere = await readlink(join(folder, "postgres")).catch(() => undefined);
    if (elsewhere !== undefined) await rm(elsewhere, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  }
}
