import { writeFile } from "node:fs/promises";
import type { Output } from "../replay/output.ts";
import { pathOf } from "../replay/paths.ts";
import { type ExitCode, telling } from "../telling.ts";
import { simulateDay } from "./day.ts";
import { readSimulateOptions, SIMULATE_HELP, type SimulateOptions } from "./options.ts";
import { sfExportFile } from "./sf-export.ts";

/** What the command needs from outside. */
export interface SimulateContext {
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
}

/** The file that these options give. */
export function simulateFile(options: SimulateOptions): { readonly text: string; readonly summary: string } {
  const { calls, units, rows } = simulateDay(options);
  const summary = `${calls} synthetic calls, ${rows.length} rows, ${units} units, seed ${options.seed}`;
  return { text: sfExportFile(rows), summary };
}

async function simulate(options: SimulateOptions, { env, out }: SimulateContext): Promise<0 | 2> {
  const { text, summary } = simulateFile(options);
  if (options.out === undefined) out.result(text.trimEnd());
  else {
    const failure = await writeFile(pathOf(options.out, env), text).catch((error: Error) => error);
    if (failure) {
      out.note(`cannot write ${options.out}: ${failure.message}`);
      return 2;
    }
  }
  out.note(options.out === undefined ? summary : `${options.out}: ${summary}`);
  return 0;
}

/** The command. @returns the exit code: 0 done, 2 not begun */
export function runSimulate(args: readonly string[], context: SimulateContext): Promise<ExitCode> {
  return telling("simulate", context.out, async () => {
    const options = readSimulateOptions(args);
    if (options !== "help") return await simulate(options, context);
    context.out.result(SIMULATE_HELP);
    return 0;
  });
}
