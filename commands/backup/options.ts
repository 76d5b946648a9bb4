import { parseArgs } from "node:util";
import { UsageError } from "../replay/options.ts";

const ENVIRONMENT_OF_BACKUP = `Environment:
  NATS_URL           the nats-server of the node (default: the one that runs on $DATA_DIR, DATA_DIR default ./data)`;

export const BACKUP_HELP = `Usage: npm run backup -- TARGET

Takes a backup of a running system into the new folder TARGET, while it works: the journal, the snapshots, positions,
deadlines, counters and all other streams, and the keys and tokens in DATA_DIR. The parts are taken in such an order that they
belong together, each with its hash. TARGET appears when all of it is on the disk; nobody else may read it. It holds secrets.

  --help             this text

${ENVIRONMENT_OF_BACKUP}

Exit code: 0 done, 2 it could not be taken; then there is no TARGET.`;

export const RESTORE_HELP = `Usage: npm run restore -- SOURCE

Makes a new data directory of the backup SOURCE, for "npm start" to run on. All parts are first held against their hashes, and in
the end the whole journal is checked, as by "npm run verify". DATA_DIR appears when all is done.

  --help             this text

Environment:
  DATA_DIR           where to (default ./data); it must not exist or be empty
  NATS_URL           restores into this server instead, which must have none of the streams; only the files go to DATA_DIR
  NATS_SERVER        the nats-server binary to restore with (default: found or fetched as by "npm start")
  REPLICAS           copies of every stream (default 1)

Exit code: 0 done, 1 done, but the journal has problems, 2 it could not be restored; then there is no DATA_DIR.`;

/**
 * @returns the one folder that is named, or "help" where help was asked for
 * @throws UsageError
 */
export function readFolder(args: readonly string[], what: "TARGET" | "SOURCE"): string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: "boolean", short: "h" } },
    });
    if (values.help === true) return "help";
    const [folder, ...more] = positionals;
    if (folder === undefined || folder === "") throw new UsageError(`which ${what}? Name a folder`);
    if (more.length > 0) throw new UsageError(`one ${what}; what is "${more[0]}"?`);
    return folder;
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : String(error));
  }
}
