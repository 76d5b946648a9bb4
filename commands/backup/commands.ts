import { existsSync } from "node:fs";
import { Connection } from "../../runtime/nats/connection.ts";
import { type NatsPorts, openNats } from "../../runtime/nats/open.ts";
import { type Log, PortUnavailable } from "../../runtime/ports/index.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { NatsServer } from "../node/nats-server.ts";
import { UsageError } from "../replay/options.ts";
import type { Output } from "../replay/output.ts";
import { pathOf } from "../replay/paths.ts";
import { printable } from "../server/printable.ts";
import { NoServer, openRunning } from "../server/running-server.ts";
import { runVerify } from "../verify/verify.ts";
import { BadBackup } from "./manifest.ts";
import { BACKUP_HELP, RESTORE_HELP, readFolder } from "./options.ts";
import { checkBackup, makingDataDirectory, restoreFiles, restoreStreams } from "./restore.ts";
import { takeBackup } from "./take.ts";

export interface CommandContext {
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** 0 done, 1 done with problems, 2 not done. */
type ExitCode = 0 | 1 | 2;

/** `npm run backup -- TARGET` */
export function runBackup(args: readonly string[], { out, env, log }: CommandContext): Promise<ExitCode> {
  return saying(out, "backup", async () => {
    const folder = readFolder(args, "TARGET");
    if (folder === "help") {
      out.result(BACKUP_HELP);
      return 0;
    }
    const dataDir = env["DATA_DIR"] || "data";
    const ports = await openRunning(env, systemClock, systemIds, log);
    try {
      const target = pathOf(folder, env);
      const source = { ports, dataDir: existsSync(dataDir) ? dataDir : undefined };
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
  return saying(out, "restore", async () => {
    const folder = readFolder(args, "SOURCE");
    if (folder === "help") {
      out.result(RESTORE_HELP);
      return 0;
    }
    const source = pathOf(folder, env);
    const manifest = await checkBackup(source, out);
    const dataDir = env["DATA_DIR"] || "data";
    const replicas = Number(env["REPLICAS"] || 1);
    return makingDataDirectory(dataDir, async (made) => {
      await restoreFiles(source, manifest, made);
      const server = env["NATS_URL"] ? undefined : await startServer(env, made, log);
      try {
        const url = server?.url ?? env["NATS_URL"]!;
        const connection = await Connection.open(url, systemClock, log, systemIds.token());
        try {
          await restoreStreams(source, manifest, connection.nc, replicas, out);
        } finally {
          await connection.close();
        }
        out.note("checking the journal …");
        const open = (): Promise<NatsPorts> => openNats({ url, replicas }, systemClock, systemIds, log);
        const code = await runVerify([], { out, clock: systemClock, open });
        if (code === 0) out.note(`restored to ${printable(dataDir)}; start it with "npm start"`);
        return code;
      } finally {
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

async function saying(out: Output, command: string, run: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UsageError) out.note(`${error.message}\nTry: npm run ${command} -- --help`);
    else if (error instanceof BadBackup || error instanceof NoServer || error instanceof PortUnavailable)
      out.note(printable(error.message));
    else throw error;
    return 2;
  }
}
