import type { Clock } from "../../runtime/ports/index.ts";

/** One Ctrl-C may arrive twice: from the terminal, and handed on by npm. What comes this soon is the same one. */
const SAME_KEYSTROKE_MS = 1_000;
const EXIT_CODE_INTERRUPTED = 130;

/** The first Ctrl-C asks for an orderly end; a second one, meant as such, ends the process at once. */
export function interruptSignal(host: Pick<NodeJS.Process, "on" | "exit">, clock: Clock): AbortSignal {
  const interrupted = new AbortController();
  let firstMs: number | undefined;
  host.on("SIGINT", () => {
    const nowMs = clock.monotonicMs();
    firstMs ??= nowMs;
    if (nowMs - firstMs > SAME_KEYSTROKE_MS) host.exit(EXIT_CODE_INTERRUPTED);
    interrupted.abort();
  });
  return interrupted.signal;
}
