/** A thread that moves units at a steady rate: in the thread of the queries it would hold them up. */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { City } from "./city.ts";
import { moversOf, openFinder, type Target } from "./finders.ts";

const { target, size, perSecond } = workerData as {
  readonly target: Target;
  readonly size: number;
  readonly perSecond: number;
};

/** What is this late is dropped: a system that cannot keep up is not asked for more and more. */
const BACKLOG_SECONDS = 0.1;
const TICK_MS = 2;

const city = new City(size);
const { connections, batch } = moversOf(target);
let moved = 0;
let taken = 0;
let startedAt = performance.now();
let stopping = false;

function due(): number {
  const late = ((performance.now() - startedAt) / 1_000) * perSecond - taken;
  const tooLate = late - perSecond * BACKLOG_SECONDS;
  if (tooLate > 0) startedAt += (tooLate / perSecond) * 1_000;
  return Math.min(batch, Math.floor(late));
}

async function lane(): Promise<void> {
  const finder = await openFinder(target, size);
  while (!stopping) {
    const count = due();
    if (count <= 0) {
      await sleep(TICK_MS);
      continue;
    }
    taken += count;
    await finder.move(city.step(count).map((unit) => ({ unit, place: city.places[unit]!, ...city.units[unit]! })));
    moved += count;
  }
  await finder.close();
}

parentPort!.on("message", (asked: "moved" | "stop") => {
  if (asked === "stop") stopping = true;
  else parentPort!.postMessage(moved);
});

await Promise.all(Array.from({ length: connections }, lane));
parentPort!.close();
