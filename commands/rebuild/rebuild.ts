import { parseArgs } from "node:util";
import { projections, registry } from "../../actors/registry.ts";
import { rebuild } from "../../bridges/postgres/rebuild.ts";
import type { Log } from "../../runtime/ports/index.ts";
import { systemClock } from "../../runtime/ports/system.ts";
import type { AnyProjection } from "../../runtime/projection.ts";
import { UsageError } from "../replay/options.ts";
import type { Output } from "../replay/output.ts";
import { printable } from "../server/printable.ts";
import { databaseUrlOf } from "../server/running-archive.ts";

const byTable: ReadonlyMap<string, readonly [string, AnyProjection]> = new Map(
  [...projections].map(([kind, projection]) => [projection.table.name, [kind, projection]]),
);
const NAMES = [...byTable.keys()].join(", ");

const HELP = `Usage: npm run rebuild -- TABLE…

Makes tables of the archive anew from the envelopes of their kind, as this release reads them, while the old ones serve and are
written to; then the new ones take their place. What belongs to a table (assignments, statuses) is made with it.
TABLE is one of: ${NAMES}.

  --help             this text

Environment:
  DATABASE_URL       the archive (default: the one that runs on $DATA_DIR, DATA_DIR default ./data)

Exit code: 0 done, 1 done, but some envelopes could not be read (they are in quarantine), 2 not done, and nothing has changed.`;

export interface RebuildContext {
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** 0 done, 1 done with problems, 2 not done. */
type ExitCode = 0 | 1 | 2;

/** The command. */
export async function runRebuild(args: readonly string[], { out, env, log }: RebuildContext): Promise<ExitCode> {
  try {
    const tables = readTables(args);
    if (tables === "help") {
      out.result(HELP);
      return 0;
    }
    const connectionString = databaseUrlOf(env);
    if (connectionString === undefined) throw new UsageError("no archive: name it with DATABASE_URL or DATA_DIR");
    let problems = 0;
    for (const table of tables) {
      const [kind, projection] = byTable.get(table)!;
      const options = { database: { connectionString }, registry, kind, projection };
      const done = await rebuild(options, systemClock, log, (envelopes) =>
        out.note(`${table}: ${envelopes} envelopes`),
      );
      problems += done.problems;
      out.result(`${table}: made of ${done.envelopes} envelopes, ${done.problems} of which are in quarantine`);
    }
    return problems === 0 ? 0 : 1;
  } catch (error) {
    const { message, detail } = error as { message: string; detail?: string };
    out.note(printable(detail === undefined ? message : `${message}\n${detail}`));
    if (error instanceof UsageError) out.note("Try: npm run rebuild -- --help");
    return 2;
  }
}

function readTables(args: readonly string[]): readonly string[] | "help" {
  try {
    const options = { help: { type: "boolean", short: "h" } } as const;
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    if (values.help === true) return "help";
    if (positionals.length === 0) throw new UsageError(`which table? One of ${NAMES}`);
    const wrong = positionals.find((name) => !byTable.has(name));
    if (wrong !== undefined)
      throw new UsageError(`there is no table "${printable(wrong)}" to rebuild; there are ${NAMES}`);
    return [...new Set(positionals)];
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : String(error));
  }
}
