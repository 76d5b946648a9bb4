import { spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { findRoot } from "../../bench/load/tools.ts";
import { startPostgres } from "../../bench/peers/postgres.ts";
import type { PostgresTree } from "../../commands/postgres/programs.ts";

/**
 * Starts the server that DATABASE_SERVER names, for all test files of a run, and tells them of it by TEST_DATABASE_URL. One
 * that is given by TEST_DATABASE_URL already is used as it is.
 */
export default async function setUp(): Promise<(() => Promise<void>) | undefined> {
  if (process.env["TEST_DATABASE_URL"] !== undefined) return undefined;
  const root = findRoot();
  const setup: Setup = await import(pathToFileURL(join(root, "scripts/setup/postgres.mjs")).href);
  const { preload, ...tree } = setup.postgresTree(root, process.env["DATABASE_SERVER"] ?? "");
  const folder = await mkdtemp(join(tmpdir(), "tocsin-database-"));
  let end = async () => {};
  const server = await startPostgres(folder, {
    tree,
    settings: { shared_preload_libraries: preload.join(",") },
    spawn: (command, args, { uid, gid, ...options }) => {
      const as = uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
      const child = spawn("sh", ["-c", UNTIL_WE_ARE_GONE, folder, ...as, command, ...args], {
        ...options,
        stdio: ["pipe", "ignore", "pipe"],
      });
      end = async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = new Promise((resolve) => child.once("exit", resolve));
        child.stdin.end();
        await exited;
      };
      return child;
    },
  }).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  const { host, port, user, password, database } = server.connection;
  process.env["TEST_DATABASE_URL"] = `postgres://${user}:${password}@${host}:${port}/${database}`;
  return () => end();
}

interface Setup {
  postgresTree(root: string, name: string): PostgresTree & { readonly preload: readonly string[] };
}

/**
 * Runs the server until its standard input ends, which it does when this process has gone, even if it was killed; then no
 * process and no file of it is left. A signal for the whole group is the server's own business.
 */
const UNTIL_WE_ARE_GONE = `
trap "" INT TERM HUP
exec 3<&0
"$@" 3<&- &
server=$!
{ cat <&3 >&2; kill -INT $server; } 2>/dev/null &
wait $server
code=$?
rm -rf "$0"
exit $code`;
