import { readCheckpoint, readSnapshotCount, resetCheckpoint } from "./checkpoint.ts";
import { readSnapshot } from "./image.ts";
import type { Ports } from "./ports/index.ts";
import { forgetProgress } from "./progress.ts";

/** The journal ends before what was already seen of it: acknowledged work is missing, and would be missing silently. */
export class JournalShortened extends Error {
  override name = "JournalShortened";

  constructor(last: number, seen: number, by: string) {
    super(
      `the journal ends at sequence ${last}, but ${by} has seen ${seen}: acknowledged work is missing. Restore the whole of a backup. ` +
        `If there is none, SHORTENED_JOURNAL=accept starts with what the journal still has; the rest is then lost for good`,
    );
  }
}

/** What was found in the bucket of snapshots. */
export class FoundSnapshots {
  #count = 0;
  #newest = { key: "", sequence: 0 };

  found(key: string, sequence: number): void {
    this.#count += 1;
    if (sequence > this.#newest.sequence) this.#newest = { key, sequence };
  }

  /**
   * Holds the parts of what is kept against each other. To be asked after the snapshots were read: meanwhile others commit.
   * @returns the sequence after which the journal is to be read
   * @throws JournalShortened
   */
  async whereToStart(ports: Ports): Promise<number> {
    const checkpoint = await readCheckpoint(ports);
    const noted = await readSnapshotCount(ports);
    const last = await ports.journal.lastSequence();
    const { key, sequence } = this.#newest;
    if (sequence > last) throw new JournalShortened(last, sequence, `the snapshot of ${key}`);
    if (checkpoint > last) throw new JournalShortened(last, checkpoint, "the checkpoint");
    if (this.#count >= noted) return checkpoint;
    ports.log.error(
      { found: this.#count, noted },
      "snapshots are missing: the whole journal is read, and they are made again from it; nothing is lost",
    );
    await resetCheckpoint(ports);
    return 0;
  }
}

/** Takes the journal for the truth although it is shorter than it was: what has seen more of it is forgotten. */
export async function acceptShortenedJournal(ports: Ports): Promise<void> {
  const last = await ports.journal.lastSequence();
  const beyond: string[] = [];
  for await (const { key, value } of ports.state.entries()) {
    if ((readSnapshot(value)?.sequence ?? 0) > last) beyond.push(key);
  }
  if (beyond.length === 0 && (await readCheckpoint(ports)) <= last) return;
  ports.log.error({ last, forgotten: beyond.length, actors: beyond.slice(0, 100) }, "a shortened journal was accepted");
  await resetCheckpoint(ports);
  await forgetProgress(ports);
  for (const key of beyond) await ports.state.delete(key);
}
