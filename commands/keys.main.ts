import { systemClock, systemIds } from "../runtime/ports/system.ts";
import { runKeys } from "./keys/keys.ts";
import { createLog } from "./node/log.ts";
import { processOutput } from "./replay/output.ts";
import { openRunning } from "./server/running-server.ts";

process.exitCode = await runKeys(process.argv.slice(2), {
  env: process.env,
  out: processOutput(process),
  open: () => openRunning(process.env, systemClock, systemIds, createLog("error")),
});
