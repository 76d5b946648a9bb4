import { Presets, SingleBar } from "cli-progress";
import type { Clock } from "../../runtime/ports/index.ts";
import type { Output } from "./output.ts";

/** What is shown while a replay runs. */
export interface Progress {
  update(stepsFinished: number, callsCreated: number, refused: number): void;
  stop(): void;
}

/** Where nobody watches a bar (a log, a pipe), a line this often. */
const LINE_EVERY_MS = 5_000;
/** A bar redrawn more often only flickers. */
const BAR_FRAMES_PER_SECOND = 10;

function barProgress(stream: NodeJS.WritableStream, total: number): Progress {
  const bar = new SingleBar(
    {
      stream,
      fps: BAR_FRAMES_PER_SECOND,
      hideCursor: true,
      format: "{bar} {percentage}% {value}/{total} steps, {calls} calls, {refused} refused, {duration_formatted}",
    },
    Presets.shades_classic,
  );
  bar.start(total, 0, { calls: 0, refused: 0 });
  return {
    update: (finished, calls, refused) => bar.update(finished, { calls, refused }),
    stop: () => bar.stop(),
  };
}

function lineProgress(out: Output, total: number, clock: Clock): Progress {
  let lastMs = clock.monotonicMs();
  return {
    update(finished, calls, refused) {
      if (clock.monotonicMs() - lastMs < LINE_EVERY_MS) return;
      lastMs = clock.monotonicMs();
      const percent = Math.floor((100 * finished) / total);
      out.note(`${percent} % (${finished} of ${total} steps), ${calls} calls, ${refused} refused`);
    },
    stop: () => {},
  };
}

/** @param total steps */
export function startProgress(out: Output, total: number, clock: Clock): Progress {
  return out.terminal ? barProgress(out.terminal, total) : lineProgress(out, total, clock);
}
