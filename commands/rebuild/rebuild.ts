import { projections, registry } from "../../actors/registry.ts";
import { DatabaseUnreachable } from "../../bridges/postgres/connection.ts";
import { rebuild } from "../../bridges/postgres/rebuild.ts";
import type { Log } from "../../runtime/ports/index.ts";
import { systemClock } from "../../runtime/ports/system.ts";
import type { AnyProjection } from "../../runtime/projection.ts";
import type { Output } from "../replay/output.ts";
import { printable } from "../server/printable.ts";
import { databaseUrlOf } from "../server/running-archive.ts";
import { type ExitCode, Hindrance, telling } from "../telling.ts";
import { argumentsOf, UsageError } from "../usage.ts";

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

/** The command. */
export function runRebuild(args: readonly string[], { out, env, log }: RebuildContext): Promise<ExitCode> {
  return telling("rebuild", out, async () => {
    const tables = readTables(args);
    if (tables === "help") {
      out.result(HELP);
      return 0;
    }
    const connectionString = databaseUrlOf(env);
    if (connectionString === undefined) throw new Hindrance("no archive: name it with DATABASE_URL or DATA_DIR");
    let problems = 0;
    for (const table of tables) {
      const [kind, projection] = byTable.get(table)!;
      const options = { database: { connectionString }, registry, kind, projection };
      const progress = (envelopes: number) => out.note(`${table}: ${envelopes} envelopes`);
      const done = await rebuild(options, systemClock, log, progress).catch(refused);
      problems += done.problems;
      out.result(`${table}: made of ${done.envelopes} envelopes, ${done.problems} of which are in quarantine`);
    }
    return problems === 0 ? 0 : 1;
  });
}

/** What PostgreSQL does not do is for its operator to see to. */
function refused(error: Error & { readonly detail?: string }): never {
  if (error instanceof DatabaseUnreachable) throw error;
  throw new Hindrance(error.detail === undefined ? error.message : `${error.message}: ${error.detail}`);
}

function readTables(args: readonly string[]): readonly string[] | "help" {
  const options = { help: { type: "boolean", short: "h" } } as const;
  const { values, positionals } = argumentsOf({ args: [...args], allowPositionals: true, options });
  if (values.help === true) return "help";
  if (positionals.length === 0) throw new UsageError(`which table? One of ${NAMES}`);
  const wrong = positionals.find((name) => !byTable.has(name));
  if (wrong !== undefined)
    throw new UsageError(`there is no table "${printable(wrong)}" to rebuild; there are ${NAMES}`);
  return [...new Set(positionals)];
}
