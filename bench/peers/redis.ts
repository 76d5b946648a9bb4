import { City } from "../load/city.ts";
import type { Cleanup } from "../load/cleanup.ts";
import { openFinder, type Store } from "../load/finders.ts";
import { freePort } from "../load/free-port.ts";
import { firstLine } from "../load/run.ts";
import type { Program } from "../load/tools.ts";

const START_MS = 20_000;
const BATCH = 1_000;

/** Redis that keeps nothing on disk, with the units of the city. */
export async function startRedis(program: Program, size: number, cleanup: Cleanup) {
  const port = await freePort();
  const folder = await cleanup.folder("redis");
  const server = cleanup.spawn(
    program.file,
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder],
    { env: program.env, stdio: ["ignore", "pipe", "pipe"] },
  );
  await firstLine(server, START_MS, (line) => (line.includes("Ready to accept connections") ? line : undefined));
  const target: Store = { kind: "redis", port };
  const finder = await openFinder(target, size);
  const city = new City(size);
  for (let from = 0; from < size; from += BATCH) {
    const some = city.units.slice(from, from + BATCH);
    await finder.move(some.map((is, index) => ({ ...is, unit: from + index, place: city.places[from + index]! })));
  }
  await finder.close();
  return {
    target,
    pids: [server.pid ?? 0],
    async stop() {
      await cleanup.stop(server);
      await cleanup.remove(folder);
    },
  };
}
