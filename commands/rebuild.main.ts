import { createLog } from "./node/log.ts";
import { runRebuild } from "./rebuild/rebuild.ts";
import { processOutput } from "./replay/output.ts";

process.exitCode = await runRebuild(process.argv.slice(2), {
  out: processOutput(process),
  env: process.env,
  log: createLog("error"),
});
