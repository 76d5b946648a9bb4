import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { join, relative } from "node:path";
import type { Log } from "../../runtime/ports/index.ts";

/** Memory that is used as a folder, where Linux has one. */
const MEMORY = "/dev/shm";
/** What statfs(2) says of such a one. */
const TMPFS = 0x01021994;
/** With so much room it is begun, and with less than the other ended: a batch is some hundred kB, hardly ever some MB. */
const ROOMY_BYTES = 256 * 1_048_576;
const SCARCE_BYTES = 64 * 1_048_576;
const LOOK_EVERY_MS = 1_000;

export interface StagingOptions {
  readonly memory?: string;
  /** Bytes that are free in a folder of memory; undefined where it is none. */
  readonly freeBytes?: (folder: string) => number | undefined;
}

/**
 * Lets a nats-server of our own put together atomic batches in memory. It gathers the messages of each in files of their
 * own, `batches` in the folder of the stream, fsyncs these too, and copies them to the stream once the last one has come;
 * what is found there at its start it throws away unread. So nothing that is acknowledged depends on them, and on a disk
 * they are three quarters of what a batch costs.
 *
 * The folder is a link that is made again wherever it is missing: the server removes it at each start. A disk is made do
 * with while memory is scarce. A batch whose link goes away while it is put together is refused, all of it.
 */
export class BatchStaging {
  readonly #store: string;
  readonly #folder: string;
  readonly #log: Log;
  readonly #freeBytes: () => number | undefined;
  readonly #timer: NodeJS.Timeout;
  #isOn = false;

  /**
   * @param store the server's store_dir
   * @returns undefined where there is no memory to be had, or not enough
   */
  static open(store: string, log: Log, options: StagingOptions = {}): BatchStaging | undefined {
    const { memory = MEMORY, freeBytes = freeMemoryBytes } = options;
    // Of the memory itself: our folder may be gone from it, and is then made again.
    const free = () => freeBytes(memory);
    try {
      // By what it is: the same path may be another store in another container, and another path the same one.
      const { dev, ino } = statSync(store, { bigint: true });
      const name = `tocsin-batches-${dev}-${ino}-`;
      removeLeftOver(memory, name);
      if ((free() ?? 0) < ROOMY_BYTES) return;
      // Nobody else may read it, nor have made it.
      return new BatchStaging(store, mkdtempSync(join(memory, name)), log, free);
    } catch (error) {
      log.info({ error }, `${memory} cannot be used: nats-server puts batches together on its disk, which is slower`);
      return;
    }
  }

  private constructor(store: string, folder: string, log: Log, freeBytes: () => number | undefined) {
    this.#store = store;
    this.#folder = folder;
    this.#log = log;
    this.#freeBytes = freeBytes;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
    this.look();
  }

  /** The server has stopped. */
  stop(): void {
    clearInterval(this.#timer);
    for (const stream of streamsIn(this.#store)) this.#unlink(stream);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Every second, what is right for each stream is made so, wherever it can be now. */
  look(): void {
    try {
      this.#decide();
      for (const stream of streamsIn(this.#store)) {
        if (this.#isOn) this.#link(stream);
        else this.#unlink(stream);
      }
    } catch (error) {
      this.#log.warn({ error }, "where batches are put together could not be looked after; it will be");
    }
  }

  #decide(): void {
    const free = this.#freeBytes() ?? 0;
    const isOn = free >= (this.#isOn ? SCARCE_BYTES : ROOMY_BYTES);
    if (this.#isOn && !isOn) this.#log.warn({ freeBytes: free }, "memory is scarce: batches are put together on disk");
    this.#isOn = isOn;
  }

  #link(stream: string): void {
    const place = join(stream, "batches");
    const target = this.#targetOf(stream);
    const kind = kindOf(place);
    // Batches are under way on the disk: another time.
    if (kind === "folder" && !removeEmpty(place)) return;
    const isLinked = kind === "link" && readlinkSync(place) === target;
    if (!isLinked) {
      // Of a process that was killed: the server removes it only where batches are allowed already.
      if (kind === "link") unlinkSync(place);
      // Without a link, what is there is of a server that has ended.
      rmSync(target, { recursive: true, force: true });
    }
    // Also where it is gone from memory, as what is a user's may be who logs out.
    mkdirSync(target, { recursive: true, mode: 0o700 });
    // Once there is something that it leads to.
    if (!isLinked) symlinkSync(target, place);
  }

  /** Not only when nothing is under way: where memory was full, the server leaves folders of what it refused for good. */
  #unlink(stream: string): void {
    const place = join(stream, "batches");
    if (kindOf(place) !== "link") return;
    unlinkSync(place);
    rmSync(this.#targetOf(stream), { recursive: true, force: true });
  }

  #targetOf(stream: string): string {
    return join(this.#folder, relative(this.#store, stream));
  }
}

/** Bytes that are free in a folder that is memory. */
function freeMemoryBytes(folder: string): number | undefined {
  const { type, bavail, bsize } = statfsSync(folder);
  return type === TMPFS ? bavail * bsize : undefined;
}

/** Of a process that was killed while it worked on the same store. */
function removeLeftOver(memory: string, name: string): void {
  for (const entry of readdirSync(memory)) {
    const folder = join(memory, entry);
    if (entry.startsWith(name) && lstatSync(folder).uid === process.getuid?.()) rmSync(folder, { recursive: true });
  }
}

/** The folders of all streams of all accounts. */
function streamsIn(store: string): readonly string[] {
  const accounts = join(store, "jetstream");
  return foldersIn(accounts)
    .map((account) => join(account, "streams"))
    .flatMap(foldersIn);
}

function foldersIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((entry) => join(folder, entry));
}

function kindOf(path: string): "link" | "folder" | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found && (found.isSymbolicLink() ? "link" : "folder");
}

/** @returns false when there is something in it */
function removeEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTEMPTY") return false;
    throw error;
  }
}
