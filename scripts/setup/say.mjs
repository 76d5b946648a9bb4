/** Progress goes to standard error: standard output belongs to the program that is run. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** Says what is being done, does it, and says how long it took. */
export function saying(what, work) {
  say(`${what} …`);
  const startedMs = performance.now();
  const result = work();
  say(`${what}: done in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  return result;
}

/** What went wrong, with what to do about it. */
export class SetupError extends Error {
  name = "SetupError";

  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
