import type { Ports } from "../../runtime/ports/index.ts";

/** All that is kept of a resource's positions, oldest first. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever is kept
export async function recordsOf({ telemetry }: Pick<Ports, "telemetry">, id: string): Promise<any[]> {
  const found: unknown[] = [];
  await new Promise<void>((caughtUp, failed) => {
    let stop: (() => void) | undefined;
    let isDone = false;
    const done = () => {
      isDone = true;
      stop?.();
      caughtUp();
    };
    telemetry
      .follow(
        3_600_000,
        ({ of, payload }) => {
          if (!isDone && of.id === id) found.push(JSON.parse(payload));
        },
        done,
      )
      .then((handle) => {
        stop = handle;
        if (isDone) handle();
      }, failed);
  });
  return found;
}
