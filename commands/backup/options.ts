import { argumentsOf, UsageError } from "../usage.ts";

const ENVIRONMENT_OF_BACKUP = `Environment:
  NATS_URL           the nats-server of the node (default: the one that runs on $DATA_DIR, DATA_DIR default ./data)`;

export const BACKUP_HELP = `Usage: npm run backup -- TARGET

Takes a backup of a running system into the new folder TARGET, while it works: the journal, the snapshots, positions,
deadlines, counters and all other streams, and the keys and tokens in DATA_DIR. The parts are taken in such an order that they
belong together, each with its hash. The archive in PostgreSQL is one of them. TARGET appears when all of it is on the disk; nobody else may read it. It holds secrets.

  --without-database the archive is not taken: what has left the journal is then not in the backup
  --help             this text

${ENVIRONMENT_OF_BACKUP}
  DATABASE_URL       its archive (default: the one that runs on $DATA_DIR, if it does)

Exit code: 0 done, 2 it could not be taken; then there is no TARGET.`;

export const RESTORE_HELP = `Usage: npm run restore -- SOURCE

Makes a new data directory of the backup SOURCE, for "npm start" to run on. All parts are first held against their hashes, and in
the end the whole journal is checked, as by "npm run verify". DATA_DIR appears when all is done.

  --without-database the archive is not restored; what is still in the journal it gets by itself
  --help             this text

Environment:
  DATA_DIR           where to (default ./data); it must not exist or be empty
  NATS_URL           restores into this server instead, which must have none of the streams; only the files go to DATA_DIR
  NATS_SERVER        the nats-server binary to restore with (default: found or fetched as by "npm start")
  DATABASE_URL       restores the archive there, where none may be (default: a PostgreSQL of our own in DATA_DIR)
  REPLICAS           copies of every stream (default 1)

Exit code: 0 done, 1 done, but the journal has problems, 2 it could not be restored; then there is no DATA_DIR.`;

export interface BackupOptions {
  readonly folder: string;
  readonly withoutDatabase: boolean;
}

/**
 * @param what the one folder that is to be named
 * @returns "help" where help was asked for
 * @throws UsageError
 */
export function readOptions(args: readonly string[], what: "TARGET" | "SOURCE"): BackupOptions | "help" {
  const { values, positionals } = argumentsOf({
    args: [...args],
    allowPositionals: true,
    options: {
      "without-database": { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return "help";
  const [folder, ...more] = positionals;
  if (folder === undefined || folder === "") throw new UsageError(`which ${what}? Name a folder`);
  if (more.length > 0) throw new UsageError(`one ${what}; what is "${more[0]}"?`);
  return { folder, withoutDatabase: values["without-database"] };
}
