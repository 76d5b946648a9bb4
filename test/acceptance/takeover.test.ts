import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leaseDefaults } from "../../runtime/placement/leases.ts";
import { PARTITIONS_DEFAULT, winner } from "../../runtime/placement/partition.ts";
import { Load } from "../chaos/load.ts";
import { checkJournal } from "../simulation/invariants.ts";
import { type Answer, type Api, smoke } from "../support/api.ts";
import { Cluster } from "../support/cluster.ts";
import type { HostProcess } from "../support/host-process.ts";
import { until } from "../support/until.ts";

const incidents = "/api/v1/incidents";
const vehicles = "/api/v1/resources/vehicles";

let cluster: Cluster;
let a: HostProcess;
let b: HostProcess;

beforeEach(async () => {
  cluster = await Cluster.start();
  [a, b] = [await cluster.host("a"), await cluster.host("b")];
  a.start();
  b.start();
  await Promise.all([a.ready(), b.ready()]);
  await until("each partition has the host that should have it", async () => {
    const owners = await cluster.owners();
    return owners.every((owner, partition) => owner === winner(partition, ["a", "b"]));
  });
});
afterEach(() => cluster.stop());

async function owned(host: HostProcess): Promise<number> {
  return Number((await host.health())?.["partitionsOwned"] ?? 0);
}

const ownsAll = async (host: HostProcess) => (await owned(host)) === PARTITIONS_DEFAULT;

/** Makes incidents until each host has one of them. */
async function incidentsOnBoth(through: Api): Promise<readonly string[]> {
  const ids: string[] = [];
  const hosts = new Set<string>();
  while (hosts.size < 2) {
    const id = await through.newIncident();
    ids.push(id);
    hosts.add(await cluster.ownerOf({ kind: "incident", id }));
  }
  return ids;
}

describe("two hosts on one nats-server", () => {
  it("share the partitions: each has some, together they have all, and none twice", async () => {
    const owners = await cluster.owners();
    expect(new Set(owners)).toEqual(new Set(["a", "b"]));
    const leasedTo = (id: string) => owners.filter((owner) => owner === id).length;
    await until("each takes for its own what is leased to it, and no more", async () => {
      return (await owned(a)) === leasedTo("a") && (await owned(b)) === leasedTo("b");
    });
  });

  it("reach every actor from either gateway, and either one's lists show what the other one wrote", async () => {
    expect(a.token).toBe(b.token);
    for (const id of await incidentsOnBoth(a)) {
      const unitId = await a.newVehicle(`of ${id.slice(-8)}`);
      const assigned = await b.post(`${incidents}/${id}/assign`, { unitId });
      expect(assigned).toMatchObject({ status: 200, body: { id, status: "assigned", version: 2 } });
      const sequence = { "tocsin-sequence": assigned.headers.get("tocsin-sequence")! };
      for (const through of [b, a]) {
        expect((await through.get(`${incidents}?unitId=${unitId}`, sequence)).body.items).toEqual([assigned.body]);
        expect((await through.get(`${vehicles}/${unitId}`)).body).toMatchObject({ status: "assigned", incidentId: id });
        expect((await through.get(`${incidents}/${id}`)).body).toEqual(assigned.body);
      }
    }
  });

  it("asked for one unit two hundred times, through both at once, give it to exactly one incident", async () => {
    const ids = await Promise.all(Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? a : b).newIncident()));
    const unitId = await a.newVehicle("wanted");
    // Each asks through the gateway that did not make the incident.
    const answers = await Promise.all(
      ids.map((id, index) => (index % 2 === 0 ? b : a).post(`${incidents}/${id}/assign`, { unitId })),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    const holder = winners[0]!.body.id;
    const others = answers.filter((answer) => answer !== winners[0]);
    const refusals = new Set(others.map(({ status, body }) => `${status} ${body.code} ${body.holder}`));
    expect(refusals).toEqual(new Set([`409 unit_held ${holder}`]));
    for (const through of [a, b]) {
      expect((await through.get(`${vehicles}/${unitId}`)).body).toMatchObject({ incidentId: holder });
    }
  });
});

describe("a host that is killed", () => {
  it("loses nothing that was acknowledged: the other one takes its actors over and goes on with them", async () => {
    const throughA = await incidentsOnBoth(a);
    const load = new Load(b.url, b.token);
    load.start(4);
    try {
      await until("there is much to lose", () => load.acknowledged.length >= 200);
      await a.kill("SIGKILL");
      await until("the other host has all partitions", () => ownsAll(b));
      const before = load.acknowledged.length;
      await until("commands go on", () => load.acknowledged.length >= before + 200);
    } finally {
      await load.stop();
    }
    checkJournal(await cluster.ports.journal.read("evt.>", 0), load.acknowledged, "at the end");
    const versions = new Map(throughA.map((id) => [`${incidents}/${id}`, 1]));
    for (const { kind, id, version } of load.acknowledged) {
      const path = `${kind === "incident" ? incidents : vehicles}/${id}`;
      versions.set(path, Math.max(version, versions.get(path) ?? 0));
    }
    for (const [path, version] of versions) {
      const { status, body } = await b.get(path);
      expect(status).toBe(200);
      // A unit's last change may have been acknowledged as its incident's.
      expect(body.version).toBeGreaterThanOrEqual(version);
    }
    for (const id of throughA) {
      const { status, body } = await b.patch(`${incidents}/${id}`, { title: "goes on" });
      expect({ status, version: body.version }).toEqual({ status: 200, version: 2 });
    }
  });
});

const UNITS = 12;

/** Dispatchers each work one incident after the other with units of their own, so that nothing but success is right. */
class Work {
  readonly answers: { readonly request: string; readonly answer: Answer }[] = [];
  /** Each incident as its last answer showed it. */
  readonly last = new Map<string, Answer["body"]>();
  readonly #through: Api;
  #over = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(through: Api) {
    this.#through = through;
  }

  start(dispatchers: number): void {
    this.#running = Promise.all(Array.from({ length: dispatchers }, (_, index) => this.#dispatch(`D${index}`)));
  }

  /** Resolves when all under way is answered. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  async #dispatch(callSign: string): Promise<void> {
    const unitIds: string[] = [];
    for (let unit = 0; unit < UNITS; unit++) {
      unitIds.push((await this.#request("POST", vehicles, { callSign: `${callSign}-${unit}` })).body.id);
    }
    const [unitId] = unitIds;
    while (!this.#over) {
      const { id } = (await this.#request("POST", incidents, smoke)).body;
      const at = `${incidents}/${id}`;
      // One commit of actors that live here and there.
      const { headers } = await this.#request("POST", `${at}/assign`, { unitIds });
      const sequence = { "tocsin-sequence": headers.get("tocsin-sequence") ?? "" };
      await this.#request("GET", `${incidents}?unitId=${unitId}`, undefined, sequence);
      await this.#request("PATCH", `${vehicles}/${unitId}/status`, { status: "on_scene" });
      this.last.set(at, (await this.#request("PATCH", at, { status: "resolved" })).body);
      await this.#request("GET", `${vehicles}/${unitId}`);
    }
  }

  async #request(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer> {
    const answer = await this.#through.request(method, path, body, headers);
    this.answers.push({ request: `${method} ${path}`, answer });
    return answer;
  }
}

describe("a host that is told to stop", () => {
  it("hands over sooner than its lease would end, and the other one's clients see nothing but success", async () => {
    const work = new Work(b);
    work.start(16);
    let lateMs: number;
    try {
      await until("work is under way", () => work.answers.length >= 500);
      const gone = a.kill("SIGTERM").then((code) => ({ code, atMs: performance.now() }));
      await until("the other host has all partitions", () => ownsAll(b));
      const ownedAtMs = performance.now();
      const { code, atMs } = await gone;
      expect(code).toBe(0);
      lateMs = ownedAtMs - atMs;
      const before = work.answers.length;
      await until("work goes on", () => work.answers.length >= before + 100);
    } finally {
      await work.stop();
    }
    const failed = work.answers.filter(({ answer: { status } }) => status < 200 || status >= 500);
    expect(failed.map(({ request, answer: { status, body } }) => ({ request, status, body }))).toEqual([]);
    expect(lateMs).toBeLessThan(leaseDefaults.ttlMs);
    for (const [path, shown] of work.last) expect((await b.get(path)).body).toEqual(shown);
    checkJournal(await cluster.ports.journal.read("evt.>", 0), [], "at the end");
  });
});
