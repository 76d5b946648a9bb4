import { resolve } from "node:path";

/** npm runs a command in the project's folder; a path is meant from where the person stands. */
export function pathOf(file: string, env: NodeJS.ProcessEnv): string {
  return resolve(env["INIT_CWD"] ?? "", file);
}
