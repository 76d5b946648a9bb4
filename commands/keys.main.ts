import { systemClock, systemIds } from "../runtime/ports/system.ts";
import { runKeys } from "./keys/keys.ts";
import { createLog } from "./node/log.ts";
import { openRunning } from "./server/running-server.ts";

process.exitCode = await runKeys(process.argv.slice(2), {
  env: process.env,
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  open: () => openRunning(process.env, systemClock, systemIds, createLog("error")),
});
