import type pg from "pg";
import { cleanText } from "./clean.ts";
import type { Problem } from "./fold.ts";

/** Keeps what could not be archived, with why, within a transaction. @param table the feed's own, which is no text from outside */
export async function quarantine(
  client: pg.ClientBase,
  table: string,
  feed: string,
  problems: readonly Problem[],
): Promise<void> {
  for (const { entry, problem } of problems) {
    await client.query(
      `insert into ${table} (feed, sequence, subject, payload, problem) values ($1, $2, $3, $4, $5)
       on conflict do nothing`,
      [feed, entry.sequence, cleanText(entry.subject), cleanText(entry.payload), cleanText(problem)],
    );
  }
}
