import { runBackup } from "./backup/commands.ts";
import { createLog } from "./node/log.ts";
import { processOutput } from "./replay/output.ts";

process.exitCode = await runBackup(process.argv.slice(2), {
  out: processOutput(process),
  env: process.env,
  log: createLog("error"),
});
