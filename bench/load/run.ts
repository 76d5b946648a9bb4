import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** What of an output is kept for messages and results; more than any of these programs writes. */
const OUTPUT_CHARACTERS = 1_000_000;

/** Waits for a process to end and gives its standard output. @throws when it fails, or takes longer than `timeoutMs` */
export async function finished(child: ChildProcess, timeoutMs: number): Promise<string> {
  const output = collect(child.stdout);
  const errors = collect(child.stderr);
  const end = await endOf(child, timeoutMs);
  if (end !== "exit 0") {
    throw new Error(`${child.spawnfile} ended with ${end}: ${(errors() || output()).trim().slice(-2_000)}`);
  }
  return output();
}

/** Waits for the first line of standard output that fits. @throws when the process ends first, or in `timeoutMs` */
export function firstLine<T>(
  child: ChildProcess,
  timeoutMs: number,
  read: (line: string) => T | undefined,
): Promise<T> {
  if (child.stdout === null) throw new Error("its output is not piped");
  const lines = createInterface({ input: child.stdout });
  const errors = collect(child.stderr);
  return new Promise<T>((resolve, reject) => {
    const seen: string[] = [];
    const fail = (why: string) => {
      clearTimeout(timer);
      reject(
        new Error(
          `${[child.spawnfile, ...child.spawnargs.slice(1)].join(" ")} ${why}:\n${[...seen.slice(-20), errors()].join("\n").slice(-2_000)}`,
        ),
      );
    };
    const timer = setTimeout(() => fail(`was not ready in ${timeoutMs / 1_000} s`), timeoutMs);
    // The listener stays: output that nobody reads would block the process.
    lines.on("line", (line) => {
      if (seen.length < 1_000) seen.push(line);
      const value = read(line);
      if (value === undefined) return;
      clearTimeout(timer);
      resolve(value);
    });
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`ended with ${signal ?? `exit ${code}`}`));
  });
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-OUTPUT_CHARACTERS);
  });
  return () => text;
}

function endOf(child: ChildProcess, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${child.spawnfile} did not end within ${timeoutMs / 1_000} s`));
    }, timeoutMs);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve(signal ?? `exit ${code}`);
    });
  });
}
