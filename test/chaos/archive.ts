import type { TestDatabase } from "../support/database.ts";
import type { Dispatch } from "../support/dispatch.ts";
import type { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

/** The kills come at random moments within this time after what was killed runs again. */
const MOMENT_MAX_MS = 1_500;

export interface Killed {
  projector: number;
  postgres: number;
}

/**
 * Kills the projector or PostgreSQL, by chance, again and again while dispatch goes on. The next kill does not wait for the
 * archive to catch up: it may meet it at any point of its way back.
 */
export async function killArchive(
  { server, database, dispatch }: { server: TestServer; database: TestDatabase; dispatch: Dispatch },
  times: number,
  random: () => number,
): Promise<Killed> {
  const killed: Killed = { projector: 0, postgres: 0 };
  const pidOf = {
    projector: () => server.node.archive!.pids.projector,
    postgres: () => database.server!.pid,
  };
  for (let time = 0; time < times; time++) {
    const victim = random() < 0.5 ? "projector" : "postgres";
    await dispatch.goesOn(1);
    await new Promise((resolve) => setTimeout(resolve, random() * MOMENT_MAX_MS));
    let pid: number | undefined;
    await until(`${victim} runs, and is killed`, () => {
      pid = pidOf[victim]();
      return pid !== undefined && isKilled(pid);
    });
    killed[victim] += 1;
    await until(`${victim} runs again`, () => ![undefined, pid].includes(pidOf[victim]()));
  }
  return killed;
}

/** False where there is nothing to kill: a PostgreSQL that was started before all of the one before had gone ends by itself. */
function isKilled(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
