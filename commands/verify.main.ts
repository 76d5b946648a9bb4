import { systemClock, systemIds } from "../runtime/ports/system.ts";
import { createLog } from "./node/log.ts";
import { processOutput } from "./replay/output.ts";
import { withRunningArchive } from "./server/running-archive.ts";
import { openRunning } from "./server/running-server.ts";
import { runVerify } from "./verify/verify.ts";

process.exitCode = await runVerify(process.argv.slice(2), {
  out: processOutput(process),
  clock: systemClock,
  open: () => withRunningArchive(process.env, openRunning(process.env, systemClock, systemIds, createLog("error"))),
});
