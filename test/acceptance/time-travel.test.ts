import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runReplay } from "../../commands/replay/replay.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { type Answer, TestServer } from "../support/server.ts";

const MOMENTS = 100;
const day = fileURLToPath(new URL("../../examples/day.csv", import.meta.url));

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const at = (id: string, more = "") => `/api/v1/incidents/${id}${more}`;

/** An incident as it was shown while the day went on. */
interface Moment {
  readonly sequence: string;
  readonly body: Answer["body"];
}

async function watchWhile(day: Promise<unknown>): Promise<readonly Moment[]> {
  let over = false;
  void day.finally(() => {
    over = true;
  });
  const seen: Moment[] = [];
  while (!over) {
    const { items } = (await server.get("/api/v1/incidents?limit=100")).body;
    if (items.length === 0) continue;
    const { id } = items[Math.floor(systemIds.random() * items.length)];
    const { body, headers } = await server.get(at(id));
    seen.push({ body, sequence: headers.get("tocsin-sequence")! });
  }
  return seen;
}

describe("a replayed day", () => {
  it("can be looked at as it was at any moment, by sequence and by time", async () => {
    const played = runReplay([day, "--limit", "150", "--speed", "max", "--json"], {
      env: { TOCSIN_URL: server.node.url, TOCSIN_TOKEN: server.token },
      out: { result: () => undefined, note: () => undefined, terminal: undefined },
      clock: systemClock,
      ids: systemIds,
      signal: new AbortController().signal,
    });
    const seen = await watchWhile(played);
    expect(await played).toBe(0);
    expect(seen.length).toBeGreaterThan(MOMENTS);
    const step = seen.length / MOMENTS;
    const statuses = new Set<string>();
    for (let index = 0; index < MOMENTS; index++) {
      const { body, sequence } = seen[Math.floor(index * step)]!;
      statuses.add(body.status);
      expect((await server.get(at(body.id, `?at=${sequence}`))).body).toEqual(body);
      const { items } = (await server.get(at(body.id, "/timeline?limit=500"))).body;
      const mine = items.filter((entry: { sequence: number }) => entry.sequence === Number(sequence));
      const later = items.find((entry: { sequence: number }) => entry.sequence > Number(sequence));
      // Within one millisecond a time does not tell one change from the next; and a commit that only moved a unit has no
      // entry of the incident's own.
      if (mine.length > 0 && later?.at !== mine[0].at)
        expect((await server.get(at(body.id, `?at=${mine[0].at}`))).body).toEqual(body);
    }
    expect(statuses.size).toBeGreaterThan(2);
  });
});
