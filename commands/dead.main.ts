import { systemClock, systemIds } from "../runtime/ports/system.ts";
import { runDead } from "./dead/dead.ts";
import { createLog } from "./node/log.ts";
import { processOutput } from "./replay/output.ts";
import { openRunning } from "./server/running-server.ts";

process.exitCode = await runDead(process.argv.slice(2), {
  out: processOutput(process),
  open: () => openRunning(process.env, systemClock, systemIds, createLog("error")),
});
