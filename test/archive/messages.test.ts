import { afterAll, beforeAll, expect, it } from "vitest";
import { TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.withArchive({ RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(() => server.stop());

const says = async (channel: string, body: string, more: object = {}) =>
  (await server.post(`/api/v1/channels/${channel}/messages`, { body, ...more })).body.id as string;

async function found(channel: string, query: string): Promise<string[]> {
  const bodies: string[] = [];
  for (let cursor = ""; ; ) {
    const page = await server.get(`/api/v1/channels/${channel}/messages?q=${query}&limit=3${cursor}`);
    expect(page.status, JSON.stringify(page.body)).toBe(200);
    bodies.push(...page.body.items.map(({ body }: { body: string }) => body));
    if (page.body.next === null) return bodies;
    cursor = `&cursor=${page.body.next}`;
  }
}

it("what was written long ago is found by its words, as it stands by now, together with what was written just now", async () => {
  const team = { kind: "team", name: "Night shift" };
  const [channel, other] = await Promise.all(
    [team, team].map(async (body) => (await server.post("/api/v1/channels", body)).body.id as string),
  );
  const ids: string[] = [];
  for (let number = 1; number <= 40; number++) {
    ids.push(await says(channel!, number % 5 === 0 ? `Hydrant number ${number}` : `Nothing of note ${number}`));
  }
  await says(other!, "Hydrant elsewhere");
  const path = `/api/v1/channels/${channel}/messages`;
  await server.patch(`${path}/${ids[4]}`, { body: "Well number 5" });
  await server.request("DELETE", `${path}/${ids[9]}`);
  await server.patch(`${path}/${ids[0]}`, { body: "A hydrant after all" });
  await server.archived();
  // Found by the index alone: the journal is not looked through.
  const rows = [40, 35, 30, 25, 20, 15].map((number) => `Hydrant number ${number}`);
  expect(await found(channel!, "hydrant")).toEqual([...rows, "A hydrant after all"]);
  await says(channel!, "One more hydrant");
  await server.patch(`${path}/${ids[39]}`, { body: "Hydrant number forty" });
  const now = ["One more hydrant", "Hydrant number forty", ...rows.slice(1), "A hydrant after all"];
  expect(await found(channel!, "hydrant")).toEqual(now);
  expect(await found(channel!, "hydrant%20number")).toEqual(now.slice(1, -1));
  expect(await found(channel!, "submarine")).toEqual([]);
  await server.archived();
  expect(await found(channel!, "hydrant")).toEqual(now);
});

it("a thread is searched within", async () => {
  const { body } = await server.post("/api/v1/channels", { kind: "team", name: "Day shift" });
  const first = await says(body.id, "Where is the hydrant?");
  await says(body.id, "A hydrant of another kind");
  await says(body.id, "The hydrant is behind the school", { replyTo: first });
  await server.archived();
  expect(await found(body.id, `hydrant&thread=${first}`)).toEqual([
    "The hydrant is behind the school",
    "Where is the hydrant?",
  ]);
});
