import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readArchiveStatus } from "../../runtime/archive-status.ts";
import type { IntakeRecord } from "../../schema/alert.ts";
import { packReports, reportsIn } from "../../schema/intake.ts";
import { expectReportsArchived, messagesOf } from "../support/archived.ts";
import { TestDatabase } from "../support/database.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

/** Titles of reports that PostgreSQL takes none of, the other one only when it is committed. */
const REFUSED = "Of no use";
const REFUSED_LATE = "Of no use in the end";
const QUARANTINE = "tocsin_reports.quarantine";

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  database = await TestDatabase.make();
  server = await TestServer.withArchive({ DATABASE_URL: database.url, RATE_LIMIT_PER_SECOND: "0" });
  await database.rows(`
    alter table alert_reports add constraint of_use check (title <> '${REFUSED}');
    create function of_use() returns trigger language plpgsql as
      $$ begin raise check_violation using message = 'of_use in the end'; end $$;
    create constraint trigger of_use_in_the_end after insert on alert_reports deferrable initially deferred
      for each row when (new.title = '${REFUSED_LATE}') execute function of_use()`);
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
});

/** Reports of one request, which are one message of the intake. */
async function report(...titles: readonly string[]): Promise<void> {
  const alerts = titles.map((title) => ({ type: "smoke", severity: "low", source: "panel", title }));
  expect((await server.post("/api/v1/alerts", { alerts })).status).toBe(202);
}

const isGood = (record: IntakeRecord | undefined) =>
  record !== undefined && ![REFUSED, REFUSED_LATE].includes(record.content?.title ?? "");

/** Whatever can be archived is, once; of the rest each is kept by itself, and says which it was. */
async function expectOnlyBadOnesMissing(): Promise<void> {
  const { sources, config } = server.node.ports;
  const { last } = await sources.alerts.state();
  await until("the archive has caught up", async () => {
    const feed = (await readArchiveStatus(config))?.feeds["alerts"];
    return feed?.state === "running" && feed.sequence >= last;
  });
  const messages = await messagesOf(sources.alerts);
  await expectReportsArchived(database, messages, isGood);
  const bad = messages.flatMap(({ sequence, subject, payload }) =>
    reportsIn(sequence, payload)
      .filter(({ record }) => !isGood(record))
      .map(({ place, text, record }) => {
        const problem = expect.stringContaining(record === undefined ? "no report" : "of_use");
        return { feed: "alerts", place, subject, payload: text, problem };
      }),
  );
  const kept = await database.rows(
    `select feed, sequence::double precision as place, subject, payload, problem from ${QUARANTINE} order by sequence`,
  );
  expect(kept).toEqual(bad);
}

describe("of reports that came together, the archive keeps aside", () => {
  it("those that PostgreSQL refuses, and has the others, each once", async () => {
    await report("before", "before");
    await report("one", REFUSED, "two", REFUSED, "three");
    await report(REFUSED);
    await report(REFUSED, REFUSED);
    await report("four", REFUSED_LATE, "five");
    await report("after", "after");
    await expectOnlyBadOnesMissing();
    expect(await database.rows(`select from ${QUARANTINE}`)).toHaveLength(6);
  });

  it("those that cannot be read, beside those that are refused", async () => {
    const [message] = await messagesOf(server.node.ports.sources.alerts);
    const good = message!.payload.split("\n")[0]!;
    const refused = good.replace('"before"', `"${REFUSED}"`);
    const payload = packReports([good, "no JSON", refused, '{"v":2}', good]);
    await server.node.ports.intake.append([{ subject: message!.subject, payload }]);
    await expectOnlyBadOnesMissing();
  });

  it("the same when the projector is killed between them", async () => {
    const holding = new pg.Client({ connectionString: database.url });
    await holding.connect();
    try {
      await holding.query(`begin; lock table ${QUARANTINE}`);
      await report("early", REFUSED, "late");
      await until("it has come to what is refused", async () => {
        const waiting = await database.rows(
          `select from pg_locks where not granted and relation = '${QUARANTINE}'::regclass
             and database = (select oid from pg_database where datname = current_database())`,
        );
        return waiting.length > 0;
      });
      const { projector } = server.node.archive!.pids;
      process.kill(projector!, "SIGKILL");
      await until("another one runs", () => ![undefined, projector].includes(server.node.archive!.pids.projector));
    } finally {
      await holding.end();
    }
    await report("afterwards");
    await expectOnlyBadOnesMissing();
  });
});
