import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PostgresArchive } from "../../bridges/postgres/archive.ts";
import { withClient } from "../../bridges/postgres/connection.ts";
import type { NatsPorts } from "../../runtime/nats/open.ts";
import { databaseUrl } from "../node/configuration.ts";
import { Hindrance } from "../telling.ts";
import type { DepartedEntries } from "../verify/read-journal.ts";

/** The database of a running node: what the environment names, else the one that it has started itself; undefined: it has none. */
export function databaseUrlOf(env: NodeJS.ProcessEnv): string | undefined {
  const given = env["DATABASE_URL"];
  if (given) {
    const [problem] = databaseUrl.safeParse(given).error?.issues ?? [];
    if (problem !== undefined) throw new Hindrance(`DATABASE_URL: ${problem.message}`);
    return given;
  }
  const file = join(env["DATA_DIR"] || "data", "database.url");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}

/** The ports of a running node's server, and what has left its journal. It is connected to when it is needed. */
export function withRunningArchive(env: NodeJS.ProcessEnv, opening: Promise<NatsPorts>) {
  return withArchiveAt(databaseUrlOf(env), opening);
}

export async function withArchiveAt(url: string | undefined, opening: Promise<NatsPorts>) {
  const { journal, state, close } = await opening;
  if (url === undefined) return { journal, state, close };
  const archive = new PostgresArchive(() => url);
  const between: DepartedEntries["between"] = (...range) =>
    archive.between(...range).catch(async (error) => {
      // Where nothing answers at all, this says where that is.
      await withClient({ connectionString: url }, "verify", async () => undefined);
      throw error;
    });
  return { journal, state, departed: { between }, close: () => archive.close().finally(close) };
}
