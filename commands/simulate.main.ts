import { processOutput } from "./replay/output.ts";
import { runSimulate } from "./simulate/simulate.ts";

process.exitCode = await runSimulate(process.argv.slice(2), { env: process.env, out: processOutput(process) });
