import type { IntakeEntry, Ports } from "../../runtime/ports/index.ts";
import { UnderWay } from "../../runtime/under-way.ts";
import type { IntakePlace, IntakeRecord, Lane as LaneName } from "../../schema/alert.ts";
import { reportsIn } from "../../schema/intake.ts";
import { intakePositionKey, subjects } from "../../schema/subjects.ts";

/** A report that came by a lane. */
export interface LaneReport {
  readonly intake: IntakePlace;
  readonly text: string;
  /** Undefined where the text is no report of Tocsin. */
  readonly record: IntakeRecord | undefined;
}

/** How many messages of late tell how many reports are in one that is not read yet. */
const LATE_MESSAGES = 20;

/**
 * One lane of the intake, from where it was left. Reports are begun in order and may end in any; the position that is noted
 * is the last message up to which every report of every message has ended, so that whoever goes on after a crash begins
 * none too late. Those it begins again are known to their alerts.
 */
export class Lane {
  readonly #name: LaneName;
  readonly #ports: Ports;
  readonly #atOnce: () => number;
  readonly #work: (report: LaneReport) => Promise<void>;
  readonly #messages = new UnderWay();
  #last = 0;
  #noted = 0;
  /** Messages that are not read yet, and reports that were in each of late. */
  #behind = 0;
  #perMessage = 1;
  /** Reports that were read and have not ended; and those of them that were begun. */
  #read = 0;
  #begun = 0;
  #stopped = false;
  #wake: () => void = () => undefined;
  #stop: () => void = () => undefined;

  /**
   * @param atOnce how many reports may be worked on now; more wait in the intake, where they are safe
   * @param work resolves once the report is done for good
   */
  constructor(name: LaneName, ports: Ports, atOnce: () => number, work: (report: LaneReport) => Promise<void>) {
    this.#name = name;
    this.#ports = ports;
    this.#atOnce = atOnce;
    this.#work = work;
  }

  /** Reports that wait, here and in the intake: of messages that are not read yet it is known only how many they are. */
  get waiting(): number {
    return this.#read + Math.ceil(this.#behind * this.#perMessage);
  }

  async start(): Promise<void> {
    const noted = await this.#ports.config.get(intakePositionKey(this.#name));
    this.#noted = this.#last = noted === undefined ? 0 : Number(noted.value);
    this.#stop = await this.#ports.intake.follow(subjects.intakeOf(this.#name), this.#last, (entry) =>
      this.#begin(entry),
    );
  }

  /** Begins no more: a message in the midst of which it stops is begun again by whoever goes on. */
  stop(): void {
    this.#stopped = true;
    this.#stop();
  }

  /** Keeps how far it is. */
  async note(): Promise<void> {
    const position = this.#messages.endedUpTo(this.#last);
    if (position <= this.#noted) return;
    await this.#ports.config.put([{ key: intakePositionKey(this.#name), value: String(position) }]);
    this.#noted = position;
  }

  async #begin({ sequence: message, payload, atMs, pending }: IntakeEntry): Promise<void> {
    const reports = reportsIn(message, payload);
    const at = new Date(atMs).toISOString();
    this.#behind = pending;
    this.#perMessage += (reports.length - this.#perMessage) / LATE_MESSAGES;
    this.#read += reports.length;
    this.#messages.begin(message);
    this.#last = message;
    let open = reports.length;
    for (const { place, text, record } of reports) {
      if (this.#stopped) return;
      this.#begun += 1;
      void this.#work({ intake: { lane: this.#name, sequence: place, at }, text, record }).then(() => {
        this.#begun -= 1;
        this.#read -= 1;
        open -= 1;
        if (open === 0) this.#messages.end(message);
        this.#wake();
      });
      while (this.#begun >= this.#atOnce()) {
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    }
  }
}
