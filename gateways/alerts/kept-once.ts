import { Grouping, type GroupingOptions } from "../../runtime/grouping.ts";
import { type Clock, type Intake, type Repeatable, UncertainOutcome } from "../../runtime/ports/index.ts";

/** What a sender waits for. */
interface Sending {
  readonly entries: readonly Repeatable[];
  readonly kept: () => void;
  readonly lost: (error: unknown) => void;
}

/**
 * Keeps what senders may repeat, each of it once. Those who wait are one atomic batch: they are hardly ever repetitions. A
 * batch with one of these is refused as a whole, and taken apart as far as it takes to know each.
 */
export class KeptOnce {
  readonly #intake: Pick<Intake, "appendOnce">;
  readonly #writes: Grouping<Sending>;
  #count = 0;

  constructor(clock: Pick<Clock, "soon">, intake: Pick<Intake, "appendOnce">, groups: GroupingOptions) {
    this.#intake = intake;
    this.#writes = new Grouping(clock, groups, {
      weigh: ({ entries }) => entries.length,
      write: (group) => this.#write(group),
    });
  }

  /** How many were kept that were not there before. */
  get count(): number {
    return this.#count;
  }

  /**
   * All of a sender's, in its order.
   * @throws UncertainOutcome: some may be kept; sent again, each is kept once
   */
  keep(entries: readonly Repeatable[], goesAhead: boolean): Promise<void> {
    return new Promise((kept, lost) => this.#writes.add({ entries, kept, lost }, goesAhead));
  }

  async #write(group: readonly Sending[]): Promise<void> {
    let doubt: UncertainOutcome | undefined;
    if (group.length > 1) {
      try {
        if (await this.#append(group.flatMap(({ entries }) => entries))) {
          for (const { kept } of group) kept();
          return;
        }
      } catch (error) {
        if (error instanceof UncertainOutcome) doubt = error;
      }
    }
    // Whatever it was that one of them was refused for, the others are not; and what is there already is known by its id.
    await Promise.all(
      group.map(({ entries, kept, lost }) => this.#keepAlone(entries).then(kept, (error) => lost(doubt ?? error))),
    );
  }

  /** Where some were there before, one after the other: so they are in their order, however far it comes. */
  async #keepAlone(entries: readonly Repeatable[]): Promise<void> {
    if ((await this.#append(entries)) || entries.length === 1) return;
    for (const entry of entries) await this.#append([entry]);
  }

  async #append(entries: readonly Repeatable[]): Promise<boolean> {
    const { ok } = await this.#intake.appendOnce(entries);
    if (ok) this.#count += entries.length;
    return ok;
  }
}
