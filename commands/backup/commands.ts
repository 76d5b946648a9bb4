import { existsSync } from "node:fs";
import { Connection } from "../../runtime/nats/connection.ts";
import { openNats } from "../../runtime/nats/open.ts";
import type { Log } from "../../runtime/ports/index.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { NatsServer } from "../node/nats-server.ts";
import { PostgresServer } from "../postgres/server.ts";
import type { Output } from "../replay/output.ts";
import { pathOf } from "../replay/paths.ts";
import { printable } from "../server/printable.ts";
import { databaseUrlOf, withArchiveAt } from "../server/running-archive.ts";
import { openRunning } from "../server/running-server.ts";
import { type ExitCode, telling } from "../telling.ts";
import { runVerify } from "../verify/verify.ts";
import { BACKUP_HELP, RESTORE_HELP, readOptions } from "./options.ts";
import { checkBackup, makingDataDirectory, restoreDatabase, restoreFiles, restoreStreams } from "./restore.ts";
import { takeBackup } from "./take.ts";

export interface CommandContext {
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** `npm run backup -- TARGET` */
export function runBackup(args: readonly string[], { out, env, log }: CommandContext): Promise<ExitCode> {
  return telling("backup", out, async () => {
    const options = readOptions(args, "TARGET");
    if (options === "help") {
      out.result(BACKUP_HELP);
      return 0;
    }
    const { folder, withoutDatabase } = options;
    const dataDir = env["DATA_DIR"] || "data";
    const ports = await openRunning(env, systemClock, systemIds, log);
    try {
      const target = pathOf(folder, env);
      const url = withoutDatabase ? undefined : databaseUrlOf(env);
      const database = url === undefined ? undefined : { connectionString: url };
      const source = { ports, dataDir: existsSync(dataDir) ? dataDir : undefined, database };
      const { streams, files } = await takeBackup(source, target, out);
      out.result(
        `${printable(target)}: ${streams.length} streams, ${files.length} files. It holds keys: keep it as safe as the node.`,
      );
      return 0;
    } finally {
      await ports.close();
    }
  });
}

/** `npm run restore -- SOURCE` */
export function runRestore(args: readonly string[], { out, env, log }: CommandContext): Promise<ExitCode> {
  return telling("restore", out, async () => {
    const options = readOptions(args, "SOURCE");
    if (options === "help") {
      out.result(RESTORE_HELP);
      return 0;
    }
    const source = pathOf(options.folder, env);
    const manifest = await checkBackup(source, out);
    const dataDir = env["DATA_DIR"] || "data";
    const replicas = Number(env["REPLICAS"] || 1);
    return makingDataDirectory(dataDir, async (made) => {
      await restoreFiles(source, manifest, made);
      const server = env["NATS_URL"] ? undefined : await startServer(env, made, log);
      const dumped = options.withoutDatabase ? null : manifest.database;
      const postgres = dumped === null || env["DATABASE_URL"] ? undefined : new PostgresServer({ dataDir: made }, log);
      try {
        await postgres?.start();
        const url = server?.url ?? env["NATS_URL"]!;
        const databaseUrl = postgres?.url ?? env["DATABASE_URL"]!;
        const connection = await Connection.open(url, systemClock, log, systemIds.token());
        try {
          await restoreStreams(source, manifest, connection.nc, replicas, out);
          if (dumped !== null)
            await restoreDatabase(source, dumped, { connectionString: databaseUrl }, connection.nc, log, out);
        } finally {
          await connection.close();
        }
        out.note("checking the journal …");
        const opening = () => openNats({ url, replicas }, systemClock, systemIds, log);
        const open = () => withArchiveAt(dumped === null ? undefined : databaseUrl, opening());
        const code = await runVerify([], { out, clock: systemClock, open });
        if (code === 0) out.note(`restored to ${printable(dataDir)}; start it with "npm start"`);
        return code;
      } finally {
        await postgres?.stop();
        await server?.stop();
      }
    });
  });
}

async function startServer(env: NodeJS.ProcessEnv, dataDir: string, log: Log): Promise<NatsServer> {
  const server = new NatsServer({ binary: env["NATS_SERVER"] ?? "nats-server", dataDir, port: 0, sync: false }, log);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
