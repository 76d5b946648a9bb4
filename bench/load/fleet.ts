import { setTimeout as sleep } from "node:timers/promises";
import { CAPABILITY, type City } from "./city.ts";
import { callSignOf } from "./finders.ts";
import { onConnections } from "./http-connection.ts";
import type { Tocsin } from "./server.ts";

const CONNECTIONS = 64;
const POLL_MS = 200;

/** Registers the units of the city as vehicles; each tells once where it is. @returns their ids, by their numbers */
export async function registerFleet(tocsin: Tocsin, city: City, progress: (line: string) => void): Promise<string[]> {
  const ids: string[] = [];
  await onConnections(tocsin, CONNECTIONS, city.size, async (connection, unit) => {
    const { available, capable } = city.units[unit]!;
    const body = {
      callSign: callSignOf(unit),
      status: available ? "available" : "out_of_service",
      capabilities: capable ? [CAPABILITY] : [],
    };
    const { id } = JSON.parse(await connection.expect(201, "POST", "/api/v1/resources/vehicles", body));
    await connection.expect(202, "POST", `/api/v1/resources/vehicles/${id}/location`, city.places[unit]);
    ids[unit] = id;
    if ((unit + 1) % 25_000 === 0) progress(`${unit + 1} of ${city.size} units`);
  });
  // What is still to be written of them would disturb what is measured then.
  for (;;) {
    const health = (await (await fetch(`${tocsin.url}/health/ready`)).json()) as { snapshotBacklog: number };
    if (health.snapshotBacklog === 0) return ids;
    await sleep(POLL_MS);
  }
}
