import type { Cell } from "./cell.ts";
import type { Coverage } from "./coverage.ts";
import { readSnapshot, writeSnapshot } from "./image.ts";
import type { Ports, Put } from "./ports/index.ts";

export interface SnapshotOptions {
  readonly everyMs: number;
  /** Actors a round, while commits wait: writing behind must not push aside what users wait for. */
  readonly busyMax: number;
  /** Changes since the last round from which on it is so. */
  readonly busyMarks: number;
  /** Actors a round otherwise. A server takes at most 1,000 messages in one batch. */
  readonly idleMax: number;
  /** With this many unwritten, the backlog itself is the problem: full rounds whatever the load. */
  readonly backlogMax: number;
}

export const snapshotDefaults: SnapshotOptions = {
  everyMs: 250,
  busyMax: 25,
  busyMarks: 100,
  idleMax: 500,
  backlogMax: 200_000,
};

/**
 * Writes behind: deadlines first, then snapshots, so that whatever a snapshot covers has its deadlines armed. What is not
 * covered yet is found again after a crash (see `Coverage`), activated, and armed then.
 */
export class SnapshotWriter {
  readonly #ports: Ports;
  readonly #options: SnapshotOptions;
  readonly #coverage: Coverage;
  readonly #busy: () => boolean;
  readonly #dirty = new Map<string, Cell>();
  #cancel: () => void = () => undefined;
  #round: Promise<void> | undefined;
  /** How often it was told of a change since the last round. */
  #marked = 0;
  #stopped = false;

  constructor(ports: Ports, options: SnapshotOptions, coverage: Coverage, busy: () => boolean) {
    this.#ports = ports;
    this.#options = options;
    this.#coverage = coverage;
    this.#busy = busy;
  }

  get backlog(): number {
    return this.#dirty.size;
  }

  isDirty(cell: Cell): boolean {
    return this.#dirty.get(cell.key) === cell;
  }

  /** The cell has changed, or its deadlines may not be armed. */
  mark(cell: Cell): void {
    this.#dirty.set(cell.key, cell);
    this.#marked += 1;
  }

  /** The cell is gone from here; somebody else covers it. */
  forget(cell: Cell): void {
    if (this.isDirty(cell)) this.#dirty.delete(cell.key);
  }

  start(): void {
    this.#cancel = this.#ports.clock.after(this.#options.everyMs, () => {
      void this.#next().finally(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  /** Writes all that is left of these cells, or of all. */
  async flush(cells?: readonly Cell[]): Promise<void> {
    for (let attempt = 0; attempt < 1_000; attempt++) {
      const left = cells === undefined ? [...this.#dirty.values()] : cells.filter((cell) => this.isDirty(cell));
      if (left.length === 0) return;
      const before = this.#dirty.size;
      await this.#write(left.slice(0, this.#options.idleMax));
      if (this.#dirty.size >= before && attempt > 3) return;
    }
  }

  async stop(): Promise<void> {
    this.halt();
    await this.#round;
  }

  halt(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #next(): Promise<void> {
    // Between two commits of a crowd nothing is under way: what came since the last look tells how it is.
    const isBusy = this.#busy() || this.#marked > this.#options.busyMarks;
    this.#marked = 0;
    if (this.#dirty.size === 0) return;
    const full = !isBusy || this.#dirty.size > this.#options.backlogMax;
    const count = full ? this.#options.idleMax : this.#options.busyMax;
    const cells: Cell[] = [];
    for (const cell of this.#dirty.values()) {
      cells.push(cell);
      if (cells.length >= count) break;
    }
    this.#round = this.#write(cells);
    await this.#round;
  }

  async #write(cells: readonly Cell[]): Promise<void> {
    const ready = cells.filter((cell) => cell.image !== undefined && cell.image.version > 0);
    // A cell whose image is in doubt is restored at its next message; it stays dirty until then unless nobody will.
    for (const cell of cells) if (cell.image === undefined && cell.quiet) await this.#restore(cell);
    const images = ready.map((cell) => cell.image!);
    try {
      const timers = ready.flatMap((cell) => cell.timers());
      if (timers.length > 0) await this.#ports.timers.set(timers);
      const puts: Put[] = ready.map((cell, index) => ({
        key: cell.key,
        value: writeSnapshot(images[index]!),
        expectedRevision: cell.snapshotRevision,
      }));
      if (puts.length === 0) return;
      const result = await this.#ports.state.put(puts);
      if (!result.ok) return await this.#writeSingly(ready);
      for (const [index, cell] of ready.entries()) {
        this.#written(cell, images[index]!.sequence, result.revisions[index]!);
      }
    } catch (error) {
      this.#ports.log.warn({ error, cells: cells.length }, "snapshots could not be written; they will be");
    }
  }

  async #restore(cell: Cell): Promise<void> {
    try {
      await cell.activate();
    } catch (error) {
      this.#ports.log.error({ actor: cell.key, error }, "an actor could not be restored for its snapshot");
      this.forget(cell);
    }
  }

  /** Another host's snapshot, or an unanswered one of ours, is in the way of one of them. */
  async #writeSingly(cells: readonly Cell[]): Promise<void> {
    for (const cell of cells) {
      const image = cell.image;
      if (image === undefined) continue;
      const current = await this.#ports.state.get(cell.key);
      cell.snapshotRevision = current?.revision ?? 0;
      const theirs = current && readSnapshot(current.value);
      // Another host went on where we no longer own it: what it covers must not be uncovered by what we knew.
      if (theirs !== undefined && theirs.sequence >= image.sequence) {
        this.#written(cell, image.sequence, cell.snapshotRevision);
        continue;
      }
      const put = { key: cell.key, value: writeSnapshot(image), expectedRevision: cell.snapshotRevision };
      const result = await this.#ports.state.put([put]);
      if (result.ok) this.#written(cell, image.sequence, result.revisions[0]!);
    }
  }

  #written(cell: Cell, sequence: number, revision: number): void {
    cell.snapshotRevision = revision;
    cell.snapshotSequence = sequence;
    this.#coverage.snapshot(cell.key, sequence);
    if (cell.image?.sequence === sequence) this.forget(cell);
    else {
      // It changed meanwhile: to the end of the line.
      this.forget(cell);
      this.mark(cell);
    }
  }
}
