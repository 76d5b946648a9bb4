/** Where a command writes. */
export interface Output {
  /** The command's result: standard output. */
  result(text: string): void;
  /** All else that a person should see: standard error. */
  note(text: string): void;
  /** Standard error, where it is a terminal: it can be drawn on. */
  readonly terminal: NodeJS.WritableStream | undefined;
}

export function processOutput({ stdout, stderr }: Pick<NodeJS.Process, "stdout" | "stderr">): Output {
  return {
    result: (text) => stdout.write(`${text}\n`),
    note: (text) => stderr.write(`${text}\n`),
    terminal: stderr.isTTY ? stderr : undefined,
  };
}
