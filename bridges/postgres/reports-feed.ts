import type pg from "pg";
import { alertReportRow, alertReports } from "../../actors/alert/report-projection.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import type { Row } from "../../runtime/projection.ts";
import type { StreamEntry, StreamSource } from "../../runtime/stream-source.ts";
import { reportsIn } from "../../schema/intake.ts";
import { laneOfIntake } from "../../schema/subjects.ts";
import { schemas } from "./connection.ts";
import type { Feed, Prepared } from "./feed.ts";
import { type Problem, textOf } from "./fold.ts";
import { Turns } from "./turns.ts";
import { readiedRows } from "./write.ts";

/** Messages; each may have many reports. */
const BATCH_MAX = 500;

/** Reports of alerts as they came, each a row. */
export class ReportsFeed implements Feed {
  readonly name = "alerts";
  readonly schema = schemas.reports;
  readonly batchMax = BATCH_MAX;
  // A stream that had to be made anew counts on above the one before: see runtime/nats/open.ts.
  readonly onOtherStream = "goOn";
  readonly source: StreamSource;

  readonly #clock: Clock;

  constructor(source: StreamSource, clock: Clock) {
    this.#clock = clock;
    this.source = source;
  }

  async prepare(_client: pg.ClientBase, entries: readonly StreamEntry[]): Promise<Prepared> {
    const rows: Row[] = [];
    const problems: Problem[] = [];
    const turns = new Turns(this.#clock);
    for (const entry of entries) {
      const lane = laneOfIntake(entry.subject);
      const at = new Date(entry.keptMs).toISOString();
      let problem: string | undefined;
      for (const { place, record } of reportsIn(entry.sequence, entry.payload)) {
        try {
          if (lane === undefined) throw new Error("its subject is none of the intake");
          if (record === undefined) throw new Error("this is no report of Tocsin");
          rows.push(alertReportRow(record, lane, place, at));
        } catch (error) {
          problem ??= textOf(error);
        }
      }
      // Its other reports are none the worse for one that cannot be read.
      if (problem !== undefined) problems.push({ entry, problem });
      await turns.next();
    }
    return { problems, write: await readiedRows(alertReports, rows, turns) };
  }

  forget(): void {}
}
