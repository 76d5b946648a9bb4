import type pg from "pg";
import { alertReportRow, alertReports } from "../../actors/alert/report-projection.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import type { Row } from "../../runtime/projection.ts";
import type { StreamEntry, StreamSource } from "../../runtime/stream-source.ts";
import { reportsIn } from "../../schema/intake.ts";
import { laneOfIntake } from "../../schema/subjects.ts";
import { schemas } from "./connection.ts";
import type { Feed, Prepared } from "./feed.ts";
import type { Problem } from "./fold.ts";
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
    for (const message of entries) {
      for (const report of reportsOf(message)) {
        if ("row" in report) rows.push(report.row);
        else problems.push(report);
      }
      await turns.next();
    }
    return {
      problems,
      write: await readiedRows(alertReports, rows, turns),
      // Read once more, as this is rare: what was read of a batch is not kept for it.
      async *parts() {
        for (const report of entries.flatMap((message) => [...reportsOf(message)])) {
          if ("row" in report)
            yield { entry: report.entry, write: await readiedRows(alertReports, [report.row], turns) };
        }
      },
    };
  }

  forget(): void {}
}

/** The reports of a message, each under its own place: none is the worse for another one that cannot be archived. */
function* reportsOf(message: StreamEntry): Generator<Problem | { readonly entry: StreamEntry; readonly row: Row }> {
  const lane = laneOfIntake(message.subject);
  const at = new Date(message.keptMs).toISOString();
  for (const { place, text, record } of reportsIn(message.sequence, message.payload)) {
    const entry = { ...message, sequence: place, payload: text };
    if (lane === undefined) yield { entry, problem: "its subject is none of the intake" };
    else if (record === undefined) yield { entry, problem: "this is no report of Tocsin" };
    else yield { entry, row: alertReportRow(record, lane, place, at) };
  }
}
