import { systemClock, systemIds } from "../runtime/ports/system.ts";
import { interruptSignal } from "./replay/interrupts.ts";
import { processOutput } from "./replay/output.ts";
import { runReplay } from "./replay/replay.ts";

process.exitCode = await runReplay(process.argv.slice(2), {
  env: process.env,
  out: processOutput(process),
  clock: systemClock,
  ids: systemIds,
  signal: interruptSignal(process, systemClock),
});
