import { Presets, SingleBar } from "cli-progress";
import type { Clock } from "../../runtime/ports/index.ts";
import type { Output } from "../replay/output.ts";

/** What is shown while the journal is read. */
export interface Progress {
  update(position: number): void;
  stop(): void;
}

/** Where nobody watches a bar (a log, a pipe), a line this often. */
const LINE_EVERY_MS = 5_000;

export function startProgress({ terminal, note }: Output, total: number, clock: Clock): Progress {
  if (terminal !== undefined) {
    const format = "{bar} {percentage}% {value}/{total} envelopes, {duration_formatted}";
    const bar = new SingleBar({ stream: terminal, hideCursor: true, format }, Presets.shades_classic);
    bar.start(total, 0);
    return { update: (position) => bar.update(position), stop: () => bar.stop() };
  }
  let lastMs = clock.monotonicMs();
  return {
    update(position) {
      if (clock.monotonicMs() - lastMs < LINE_EVERY_MS) return;
      lastMs = clock.monotonicMs();
      note(`${Math.floor((100 * position) / total)} % (${position} of ${total} envelopes)`);
    },
    stop: () => {},
  };
}
