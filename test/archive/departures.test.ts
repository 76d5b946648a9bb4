import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registry } from "../../actors/registry.ts";
import { runRecall } from "../../commands/recall/recall.ts";
import { openRunning } from "../../commands/server/running-server.ts";
import { heard } from "../../commands/testing/heard.ts";
import { readCheckpoint } from "../../runtime/checkpoint.ts";
import { Departures } from "../../runtime/departures.ts";
import type { Archive, Ports } from "../../runtime/ports/index.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { silent } from "../../runtime/sim/process.ts";
import { operate } from "../operations/commands.ts";
import { TestDatabase } from "../support/database.ts";
import { LiveSocket } from "../support/live-socket.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let database: TestDatabase;
let server: TestServer;
const environment = () => ({ ARCHIVE: "on", DATABASE_URL: database.url });

beforeAll(async () => {
  database = await TestDatabase.make();
  server = await TestServer.start(environment());
  await until(
    "the archive works",
    async () => (await server.get("/health/ready")).body.archive.feeds.events.state === "running",
  );
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
});

/** On the server's own parts, or some of others. */
function departures(more: Partial<Ports> = {}): Departures {
  const { node } = server;
  const ports = { ...node.ports, ...more } as Ports & { readonly archive: Archive };
  const options = { restMs: -60_000, everyMs: 10, batch: 100 };
  return new Departures(registry, ports, node.board, node.client, () => true, options);
}

const inJournal = async (id: string, kind = "incident") =>
  (await server.node.ports.journal.read(`evt.*.${kind}.${id}`, 0)).length;

async function hasDeparted(...ids: readonly string[]): Promise<void> {
  const each = departures();
  await until("they have departed", async () => {
    await server.node.host.checkpoint();
    await each.pass();
    return (
      server.node.board.departing.size === 0 &&
      (await Promise.all(ids.map((id) => inJournal(id)))).every((one) => one === 1)
    );
  });
}

async function closedIncident(): Promise<string> {
  const id = await server.newIncident({ location: { lat: 37.7, lon: -122.4 } });
  const unit = await server.newVehicle(`U${id.slice(-6)}`);
  await server.post(`/api/v1/incidents/${id}/assign`, { unitId: unit });
  await server.patch(`/api/v1/resources/vehicles/${unit}/status`, { status: "on_scene" });
  await server.patch(`/api/v1/incidents/${id}`, { status: "resolved" });
  expect((await server.post(`/api/v1/incidents/${id}/close`, { disposition: "out" })).status).toBe(200);
  return id;
}

const get = async (path: string) => (await server.get(`/api/v1/${path}`)).body;

/** Of an incident that nobody is on any more. */
async function pageThatIsOver(incident: string) {
  const pageOf = async () => (await get(`pages?incidentId=${incident}`)).items[0];
  await until("the page is over", async () => (await pageOf())?.closedAt != null);
  return pageOf();
}

/** All that the API tells of an incident's past. */
async function pastOf(id: string, versions: number) {
  const { items } = await get(`incidents/${id}/timeline?limit=500`);
  const sequences: number[] = [...new Set<number>(items.map((item: { sequence: number }) => item.sequence))].slice(
    0,
    versions,
  );
  const then = await Promise.all(sequences.map((sequence) => get(`incidents/${id}?at=${sequence}`)));
  return { items: items.filter((item: { sequence: number }) => sequences.includes(item.sequence)), then };
}

async function recall(id: string): Promise<string> {
  const { out, said } = heard();
  await runRecall([id], {
    out,
    open: () => openRunning({ DATA_DIR: server.dataDir }, systemClock, systemIds, silent),
  });
  return said().result;
}

const listed = async (id: string) =>
  (await get("incidents?limit=500")).items.some((one: { id: string }) => one.id === id);
const verified = async () =>
  JSON.parse((await operate("verify", "--json", { ...environment(), DATA_DIR: server.dataDir })).result);

describe("an incident that is over", () => {
  it("leaves the journal but for its last event, and everything can still be asked of it", async () => {
    const [id, open] = [await closedIncident(), await server.newIncident()];
    const versions = await inJournal(id);
    // The unit that was sent was called: that leaves with it.
    const page = await pageThatIsOver(id);
    const [before, past] = [await get(`incidents/${id}`), await pastOf(id, versions)];
    await hasDeparted(id);

    expect(await inJournal(open)).toBe(1);
    // The archive lists what the board does not show any more.
    expect([await listed(id), await listed(open)]).toEqual([true, true]);
    const look = async () => {
      expect(await get(`incidents/${id}`)).toEqual({ ...before, version: versions + 1 });
      expect(await pastOf(id, versions)).toEqual(past);
      expect(await get(`audit/verify?kind=incident&id=${id}`)).toMatchObject({ intact: true, verified: versions + 1 });
    };
    await look();
    expect(await server.node.ports.state.get(`incident.${id}`)).toBeUndefined();
    await server.stop(true);
    server = await TestServer.start(environment(), server.dataDir);
    await until("the archive is there", async () => (await server.get(`/api/v1/incidents/${id}`)).status === 200);
    await look();
    expect(await listed(id)).toBe(true);
    // Nor did it miss the snapshot, and take the checkpoint back.
    expect(await readCheckpoint(server.node.ports)).toBeGreaterThan(0);
    // Its channel may have left with it.
    const [known] = await database.rows<{ count: number }>("select count(*)::integer as count from audit_log");
    const archived = known!.count - (await server.node.ports.journal.read("evt.>", 0)).length;
    expect(archived).toBeGreaterThanOrEqual(versions + page.version);
    expect(await verified()).toMatchObject({ ok: true, archived });
  });

  it("has its timeline page by page over the place where the journal begins", async () => {
    const id = await closedIncident();
    const whole = (await get(`incidents/${id}/timeline?limit=500`)).items;
    await hasDeparted(id);
    const items = [];
    for (let cursor = "0"; cursor !== null; ) {
      const page = await get(`incidents/${id}/timeline?limit=2&cursor=${cursor}`);
      items.push(...page.items);
      cursor = page.next;
    }
    expect(items.slice(0, -1)).toEqual(whole);
    expect(items.at(-1)).toMatchObject({ type: "incident.archived", by: "system:archiving" });
  });

  it("is opened again behind its last event, is worked, and departs once more", async () => {
    const id = await closedIncident();
    await hasDeparted(id);
    expect((await server.patch(`/api/v1/incidents/${id}`, { status: "new" })).status).toBe(200);
    expect(await listed(id)).toBe(true);
    const unit = await server.newVehicle("R1");
    expect((await server.post(`/api/v1/incidents/${id}/assign`, { unitId: unit })).status).toBe(200);
    expect((await server.patch(`/api/v1/incidents/${id}`, { status: "cancelled" })).status).toBe(200);
    const { version } = await get(`incidents/${id}`);
    await hasDeparted(id);
    expect(await get(`audit/verify?kind=incident&id=${id}`)).toMatchObject({ intact: true, verified: version + 1 });
    expect(await verified()).toMatchObject({ ok: true });
  });

  it("is brought back by a command, with what was answered before", async () => {
    const id = await server.newIncident();
    const cancelled = await server.patch(
      `/api/v1/incidents/${id}`,
      { status: "cancelled" },
      { "idempotency-key": "c" },
    );
    await hasDeparted(id);
    const again = await server.patch(`/api/v1/incidents/${id}`, { status: "cancelled" }, { "idempotency-key": "c" });
    expect(again.body).toEqual(cancelled.body);
    expect(await recall(id)).toBe(`${id}  is back, version 4`);
    expect(await listed(id)).toBe(true);
    expect(await recall("none")).toMatch(/^none {2}not_found: .*$/);
  });

  it("is not silently missed by whoever resumes from before it", async () => {
    const follower = await LiveSocket.open(server.url, server.token);
    const { epoch, offset, mark } = (await follower.follow("incidents/default", { snapshot: false })).data;
    follower.close();
    await hasDeparted(await closedIncident());
    const back = await LiveSocket.open(server.url, server.token);
    const resumed = await back.follow("incidents/default", { since: { epoch, offset, mark } });
    expect(resumed.data).toMatchObject({ recovered: false, reason: expect.stringContaining("left the journal") });
    back.close();
  });

  it("stays in the journal when the archive has another story of it", async () => {
    const id = await server.newIncident({ title: "as it was" });
    await server.patch(`/api/v1/incidents/${id}`, { status: "cancelled" });
    await until("it is archived", async () => {
      const [row] = await database.rows("select version from incidents where id = $1", [id]);
      return row?.["version"] === 2;
    });
    const changed = "update audit_log set envelope = replace(envelope, $2, $3) where entity_id = $1";
    await database.rows(changed, [id, "as it was", "as it was not"]);
    const each = departures();
    await until("it has been asked", async () => {
      await each.pass();
      return (await inJournal(id)) === 3;
    });
    await until("its snapshot would let it go", async () => {
      const snapshot = await server.node.ports.state.get(`incident.${id}`);
      await server.node.host.checkpoint();
      return snapshot !== undefined && JSON.parse(snapshot.value).version === 3;
    });
    for (let times = 0; times < 3; times++) await each.pass();
    expect(await inJournal(id)).toBe(3);
    await database.rows(changed, [id, "as it was not", "as it was"]);
    await hasDeparted(id);
  });

  it.each(Array.from({ length: 8 }, (_, step) => step + 1))(
    "loses nothing when everything breaks off at step %i of its departure",
    async (step) => {
      const id = await closedIncident();
      const before = await get(`incidents/${id}`);
      let left = step;
      const breaking = <Port extends object>(port: Port): Port =>
        new Proxy(port, {
          get: (target, name) => {
            const value = Reflect.get(target, name);
            if (typeof value !== "function") return value;
            return (...args: unknown[]) => {
              left -= 1;
              if (left < 0) throw new Error("broken off");
              return value.apply(target, args);
            };
          },
        });
      const { journal, archive, state, config } = server.node.ports;
      const broken = departures({
        journal: breaking(journal),
        archive: breaking(archive!),
        state: breaking(state),
        config: breaking(config),
      });
      await until("it has broken off", async () => {
        await server.node.host.checkpoint();
        await broken.pass().catch(() => undefined);
        return left < 0 || server.node.board.departing.size === 0;
      });
      expect(await get(`incidents/${id}`)).toMatchObject({ ...before, version: expect.any(Number) });
      await hasDeparted(id);
      expect(await get(`incidents/${id}`)).toMatchObject({ ...before, version: before.version + 1 });
      expect(await get(`audit/verify?kind=incident&id=${id}`)).toMatchObject({ intact: true });
    },
  );
});

describe("a page that is over", () => {
  const pageOf = async (incident: string) => (await get(`pages?incidentId=${incident}`)).items;
  const left = async (id: string) => {
    const each = departures();
    await until("it has left", async () => {
      await server.node.host.checkpoint();
      await each.pass();
      return server.node.board.departing.size === 0 && (await inJournal(id, "page")) === 1;
    });
  };

  it("leaves memory and journal, and is shown, listed and opened again as before", async () => {
    const before = await get("pages?limit=500");
    const incident = await closedIncident();
    const page = await pageThatIsOver(incident);
    const open = await server.newIncident();
    await server.post(`/api/v1/incidents/${open}/assign`, { unitId: await server.newVehicle(`U${open.slice(-6)}`) });
    await until("another one is open", async () => (await pageOf(open)).length === 1);
    await left(page.id);
    const look = async () => {
      expect(server.node.board.get({ kind: "page", id: page.id })).toBeUndefined();
      expect(await get(`pages/${page.id}`)).toEqual({ ...page, version: page.version + 1 });
      const shown = [{ ...page, version: page.version + 1 }];
      for (const filters of [
        `incidentId=${incident}`,
        `incidentId=${incident}&open=false&unitId=${page.about.unitId}`,
      ]) {
        expect((await get(`pages?${filters}`)).items).toEqual(shown);
      }
      expect((await get(`pages?incidentId=${incident}&open=true`)).items).toEqual([]);
      // Newest first, over the place where memory ends.
      const ids = (await get("pages?limit=500")).items.map(({ id }: { id: string }) => id);
      expect(ids).toEqual([...ids].sort().reverse());
      expect(ids).toHaveLength(before.items.length + 2);
      const [first, second] = [await get("pages?limit=1"), await get(`pages?limit=1&cursor=${ids[0]}`)];
      expect([first.items[0].id, second.items[0].id]).toEqual(ids.slice(0, 2));
    };
    await look();
    await server.stop(true);
    server = await TestServer.start(environment(), server.dataDir);
    await until("the archive is there", async () => (await server.get(`/api/v1/pages/${page.id}`)).status === 200);
    await look();
    expect(await verified()).toMatchObject({ ok: true });

    expect((await server.patch(`/api/v1/incidents/${incident}`, { status: "new" })).status).toBe(200);
    await server.post(`/api/v1/incidents/${incident}/assign`, { unitId: page.about.unitId });
    await until("it is open again", async () => (await pageOf(incident))[0]?.closedAt === null);
    expect(await pageOf(incident)).toMatchObject([{ id: page.id, version: page.version + 2, end: null }]);
  });
});

describe("a channel that is closed", () => {
  it("leaves as well, and is listed, read and searched by its members as before", async () => {
    const id = await closedIncident();
    const isOpen = async () => (await get(`channels/${id}`)).closedAt === null;
    await until("its channel is closed", async () => !(await isOpen()));
    await server.patch(`/api/v1/incidents/${id}`, { status: "new" });
    await until("it is open again", isOpen);
    const path = `channels/${id}/messages`;
    const say = async (body: string) => (await server.post(`/api/v1/${path}`, { body, priority: "urgent" })).body.id;
    const ids: string[] = [];
    // More than a stretch of its pages.
    for (let number = 1; number <= 150; number++)
      ids.push(await say(number % 50 === 0 ? `Hydrant ${number}` : `${number}`));
    await server.patch(`/api/v1/${path}/${ids[10]}`, { body: "A hydrant after all" });
    await server.request("DELETE", `/api/v1/${path}/${ids[20]}`);
    await server.patch(`/api/v1/incidents/${id}`, { status: "cancelled" });
    await until("the channel is closed", async () => !(await isOpen()));
    // What was changed is found by its new words once the archive's index has them.
    await server.archived();
    const texts = async (query: string) => {
      const bodies: string[] = [];
      for (let cursor = ""; ; ) {
        const page = await get(`${path}?limit=40${query}${cursor}`);
        bodies.push(...page.items.map(({ body }: { body: string | null }) => body));
        if (page.next === null) return bodies;
        cursor = `&cursor=${page.next}`;
      }
    };
    const look = async () => {
      const { version: _version, ...channel } = await get(`channels/${id}`);
      const [listedOnce] = (await get(`channels?incidentId=${id}`)).items;
      return { channel, listed: { ...listedOnce, version: 0 }, all: await texts(""), found: await texts("&q=hydrant") };
    };
    const before = await look();
    expect(before.all).toHaveLength(150);
    expect(before.found).toEqual(["Hydrant 150", "Hydrant 100", "Hydrant 50", "A hydrant after all"]);
    await hasDeparted(id);
    await until("the channel has left", async () => (await inJournal(id, "channel")) === 1);
    expect(server.node.board.get({ kind: "channel", id })).toBeUndefined();
    expect(await look()).toEqual(before);
    expect((await get("channels?open=true&limit=500")).items.map((one: { id: string }) => one.id)).not.toContain(id);
    expect((await server.post(`/api/v1/${path}`, { body: "too late" })).body.code).toBe("channel_closed");
    // Its incident starts again, and so does it.
    await server.patch(`/api/v1/incidents/${id}`, { status: "new" });
    await until("it is open", isOpen);
    await say("It goes on");
    expect(await texts("")).toEqual(["It goes on", ...before.all]);
    expect(await texts("&q=hydrant")).toEqual(before.found);
    expect((await get(`channels?incidentId=${id}`)).items).toHaveLength(1);
    expect(await verified()).toMatchObject({ ok: true });
  });
});
