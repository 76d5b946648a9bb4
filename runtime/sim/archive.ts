import type { Address } from "../../schema/subjects.ts";
import type { Archive, JournalEntry } from "../ports/index.ts";
import type { SimServer } from "./server.ts";

/** How often, of a thousand reads, it has caught up with the journal meanwhile. */
const CATCHES_UP = 300;

/** What is carried from the journal, some time later: all of it up to a place, which only ever moves on. */
export class SimArchive implements Archive {
  readonly #server: SimServer;
  #upTo = 0;

  constructor(server: SimServer) {
    this.#server = server;
  }

  read({ kind, id }: Address, after: number, below: number): Promise<readonly JournalEntry[]> {
    const { world, journal } = this.#server;
    return this.#server.ask(() => {
      if (world.chance(CATCHES_UP)) this.#upTo = journal.entries.length;
      return journal.entries.filter(
        ({ sequence, subject }) =>
          sequence > after && sequence < below && sequence <= this.#upTo && subject.endsWith(`.${kind}.${id}`),
      );
    });
  }

  onDisk(): Promise<void> {
    return this.#server.ask(() => undefined);
  }
}
