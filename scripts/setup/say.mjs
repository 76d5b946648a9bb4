/** Progress goes to standard error: standard output belongs to the command that is run. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** What went wrong, with what to do about it. */
export class SetupError extends Error {}
