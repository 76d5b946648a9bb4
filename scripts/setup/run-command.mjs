import { spawnSync } from "node:child_process";

/** Runs a command to its end, quietly. @returns its exit code and all it printed */
export function runCommand(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", ...options });
  return {
    ok: status === 0,
    output: `${stdout ?? ""}${stderr ?? ""}${error ? error.message : ""}`.trim(),
    stdout: stdout ?? "",
  };
}
