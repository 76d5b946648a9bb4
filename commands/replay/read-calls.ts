import { BadRows } from "./bad-rows.ts";
import { CallBook } from "./call-book.ts";
import { csvLines } from "./csv-lines.ts";
import { layouts } from "./layouts/index.ts";
import { type MatchedLayout, matchLayout, UnknownLayout } from "./layouts/layout.ts";
import { badRow, type CallRecord, type Repair, type RowRead } from "./records.ts";

/** What a file holds. */
export interface ReadCalls {
  readonly layout: string;
  /** Data rows, the bad ones too. */
  readonly rowCount: number;
  readonly calls: readonly CallRecord[];
  readonly badRows: BadRows;
  readonly repairs: ReadonlyMap<Repair, number>;
}

function readRow(matched: MatchedLayout, cells: readonly string[], lineNumber: number): RowRead {
  if (cells.length !== matched.columnCount) {
    const reason = cells.length < matched.columnCount ? "too_few_columns" : "too_many_columns";
    return badRow(reason, `${cells.length} of ${matched.columnCount}`);
  }
  return matched.layout.read((column) => cells[matched.indexOf.get(column) ?? -1]?.trim() ?? "", lineNumber);
}

/**
 * Reads dispatch records in any known layout. Bad rows are left out, counted and listed.
 * @param text see readText
 * @param limit calls to keep, the earliest; default: all, which holds them all in memory (about 1 KB a row)
 * @throws UnknownLayout
 */
export async function readCalls(text: AsyncIterable<string>, limit?: number): Promise<ReadCalls> {
  const badRows = new BadRows();
  const repairs = new Map<Repair, number>();
  const book = new CallBook(limit);
  let matched: MatchedLayout | undefined;
  let rowCount = 0;

  for await (const lines of csvLines(text)) {
    for (const { lineNumber, cells, fault } of lines) {
      if (!matched) {
        // A first line that is no CSV means that the whole file is none.
        if (fault) throw new UnknownLayout(`the first line is not CSV (${fault.reason}): ${fault.detail}`);
        matched = matchLayout(layouts, cells);
        continue;
      }
      rowCount += 1;
      const row = fault ? badRow(fault.reason, fault.detail) : readRow(matched, cells, lineNumber);
      if (!row.ok) badRows.add(lineNumber, row.reason, row.detail);
      else if (!book.add(row.call, row.run))
        badRows.add(lineNumber, "duplicate_row", duplicateOf(row.call.key, row.run));
      else for (const repair of row.repairs) repairs.set(repair, (repairs.get(repair) ?? 0) + 1);
    }
  }
  if (!matched) throw new UnknownLayout("the file has no line of text");
  return { layout: matched.layout.name, rowCount, calls: book.calls(), badRows, repairs };
}

function duplicateOf(key: string, run: { callSign: string } | undefined): string {
  return run ? `unit ${run.callSign} on call ${key} again` : `call ${key} again`;
}
