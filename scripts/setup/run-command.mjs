import { spawnSync } from "node:child_process";

/** Runs a command to its end, quietly. @returns whether it worked, and what it printed */
export function runCommand(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  return {
    ok: status === 0,
    output: `${stdout ?? ""}${stderr ?? ""}${error ? error.message : ""}`.trim(),
    stdout: stdout ?? "",
  };
}

/** Runs a command to its end; what it prints goes to standard error. @returns whether it worked */
export function runVisibly(command, args, options = {}) {
  return spawnSync(command, args, { stdio: ["ignore", 2, 2], ...options }).status === 0;
}
