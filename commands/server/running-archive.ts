import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PostgresArchive } from "../../bridges/postgres/archive.ts";
import type { NatsPorts } from "../../runtime/nats/open.ts";

/** The database of a running node: what the environment names, else the one that it has started itself; undefined: it has none. */
export function databaseUrlOf(env: NodeJS.ProcessEnv): string | undefined {
  if (env["DATABASE_URL"]) return env["DATABASE_URL"];
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
  const departed = new PostgresArchive(() => url);
  return { journal, state, departed, close: () => departed.close().finally(close) };
}
