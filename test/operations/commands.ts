import { runDead } from "../../commands/dead/dead.ts";
import { withRunningArchive } from "../../commands/server/running-archive.ts";
import { openRunning } from "../../commands/server/running-server.ts";
import { heard } from "../../commands/testing/heard.ts";
import { runVerify } from "../../commands/verify/verify.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { silent } from "../../runtime/sim/process.ts";

/** Runs an operator's command in this process against the server that runs on a data directory. */
export async function operate(command: "dead" | "verify", args: string, env: NodeJS.ProcessEnv) {
  const { out, said } = heard();
  const context = {
    out,
    clock: systemClock,
    open: () => openRunning(env, systemClock, systemIds, silent),
  };
  const words = args.split(" ").filter(Boolean);
  const verifying = { ...context, open: () => withRunningArchive(env, context.open()) };
  const code = await (command === "dead" ? runDead(words, context) : runVerify(words, verifying));
  return { code, ...said() };
}
