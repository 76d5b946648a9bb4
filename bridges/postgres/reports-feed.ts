import type pg from "pg";
import { alertReportRow, alertReports } from "../../actors/alert/report-projection.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import type { Row } from "../../runtime/projection.ts";
import type { StreamEntry, StreamSource } from "../../runtime/stream-source.ts";
import type { IntakeRecord } from "../../schema/alert.ts";
import { laneOfIntake } from "../../schema/subjects.ts";
import { schemas } from "./connection.ts";
import type { Feed, Prepared } from "./feed.ts";
import { type Problem, textOf } from "./fold.ts";
import { Turns } from "./turns.ts";
import { readiedRows } from "./write.ts";

const BATCH_MAX = 10_000;

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
    for (const entry of entries) {
      try {
        const lane = laneOfIntake(entry.subject);
        if (lane === undefined) throw new Error("its subject is none of the intake");
        const at = new Date(entry.keptMs).toISOString();
        rows.push(alertReportRow(JSON.parse(entry.payload) as IntakeRecord, lane, entry.sequence, at));
      } catch (error) {
        problems.push({ entry, problem: textOf(error) });
      }
    }
    return { problems, write: await readiedRows(alertReports, rows, new Turns(this.#clock)) };
  }

  forget(): void {}
}
