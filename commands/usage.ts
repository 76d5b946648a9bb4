import { type ParseArgsConfig, parseArgs } from "node:util";

/** The command line does not fit. The message is for a person at a terminal. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** @throws UsageError */
export function argumentsOf<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const [problem] = (error as Error).message.split(". To specify a positional argument");
    throw new UsageError(problem);
  }
}
