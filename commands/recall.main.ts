import { systemClock, systemIds } from "../runtime/ports/system.ts";
import { createLog } from "./node/log.ts";
import { runRecall } from "./recall/recall.ts";
import { processOutput } from "./replay/output.ts";
import { openRunning } from "./server/running-server.ts";

process.exitCode = await runRecall(process.argv.slice(2), {
  out: processOutput(process),
  open: () => openRunning(process.env, systemClock, systemIds, createLog("error")),
});
