/** A thread that moves units at a steady rate: in the thread of the queries it would hold them up. */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { City } from "./city.ts";
import { moversOf, openFinder, type Target } from "./finders.ts";

const { target, size, perSecond, staysNear } = workerData as {
  readonly target: Target;
  readonly size: number;
  readonly staysNear: boolean;
  readonly perSecond: number;
};

/** What is this late is dropped: a system that cannot keep up is not asked for more and more. */
const BACKLOG_SECONDS = 0.1;
const TICK_MS = 2;

const city = new City(size, { staysNear });
const { connections, batch } = moversOf(target);
let moved = 0;
let taken = 0;
let startedAt = performance.now();
let stopping = false;

/** Is a whole message due? One that is sent with less in it would be many more messages than was said. */
function isDue(): boolean {
  const late = ((performance.now() - startedAt) / 1_000) * perSecond - taken;
  const tooLate = late - Math.max(batch, perSecond * BACKLOG_SECONDS);
  if (tooLate > 0) startedAt += (tooLate / perSecond) * 1_000;
  return late >= batch;
}

async function lane(): Promise<void> {
  const finder = await openFinder(target, size);
  while (!stopping) {
    if (!isDue()) {
      await sleep(TICK_MS);
      continue;
    }
    taken += batch;
    await finder.move(city.step(batch).map((unit) => ({ unit, place: city.places[unit]!, ...city.units[unit]! })));
    moved += batch;
  }
  await finder.close();
}

parentPort!.on("message", (asked: "moved" | "stop") => {
  if (asked === "stop") stopping = true;
  else parentPort!.postMessage(moved);
});

await Promise.all(Array.from({ length: connections }, lane));
parentPort!.close();
