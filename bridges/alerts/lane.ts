import type { IntakeEntry, Ports } from "../../runtime/ports/index.ts";
import { UnderWay } from "../../runtime/under-way.ts";
import type { Lane as LaneName } from "../../schema/alert.ts";
import { intakePositionKey, subjects } from "../../schema/subjects.ts";

/**
 * One lane of the intake, from where it was left. Reports are begun in order and may end in any; the position that is noted
 * is the one up to which all have ended, so that whoever goes on after a crash begins none too late. Those it begins again
 * are known to their alerts.
 */
export class Lane {
  readonly #name: LaneName;
  readonly #ports: Ports;
  readonly #atOnce: () => number;
  readonly #work: (entry: IntakeEntry) => Promise<void>;
  readonly #underWay = new UnderWay();
  #last = 0;
  #noted = 0;
  #behind = 0;
  #wake: () => void = () => undefined;
  #stop: () => void = () => undefined;

  /**
   * @param atOnce how many reports may be worked on now; more wait in the intake, where they are safe
   * @param work resolves once the report is done for good
   */
  constructor(name: LaneName, ports: Ports, atOnce: () => number, work: (entry: IntakeEntry) => Promise<void>) {
    this.#name = name;
    this.#ports = ports;
    this.#atOnce = atOnce;
    this.#work = work;
  }

  /** Reports that wait, here and in the intake. */
  get waiting(): number {
    return this.#behind + this.#underWay.size;
  }

  async start(): Promise<void> {
    const noted = await this.#ports.config.get(intakePositionKey(this.#name));
    this.#noted = this.#last = noted === undefined ? 0 : Number(noted.value);
    this.#stop = await this.#ports.intake.follow(subjects.intakeOf(this.#name), this.#last, (entry) =>
      this.#begin(entry),
    );
  }

  /** Begins no more. */
  stop(): void {
    this.#stop();
  }

  /** Keeps how far it is. */
  async note(): Promise<void> {
    const position = this.#underWay.endedUpTo(this.#last);
    if (position <= this.#noted) return;
    await this.#ports.config.put([{ key: intakePositionKey(this.#name), value: String(position) }]);
    this.#noted = position;
  }

  async #begin(entry: IntakeEntry): Promise<void> {
    this.#behind = entry.pending;
    this.#underWay.begin(entry.sequence);
    this.#last = entry.sequence;
    void this.#work(entry).then(() => {
      this.#underWay.end(entry.sequence);
      this.#wake();
    });
    while (this.#underWay.size >= this.#atOnce()) {
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }
}
