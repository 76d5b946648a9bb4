import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { type Item, LiveClient } from "../../client/index.ts";
import { leaseDefaults } from "../../runtime/placement/leases.ts";
import { PARTITIONS_DEFAULT, partitionOf } from "../../runtime/placement/partition.ts";
import { randomOf } from "../../runtime/sim/random.ts";
import { stretchesOf, writtenIn } from "../live/model.ts";
import { checkJournal } from "../simulation/invariants.ts";
import { Cluster } from "../support/cluster.ts";
import type { HostProcess } from "../support/host-process.ts";
import { Line } from "../support/line.ts";
import { asBrowsers } from "../support/live-socket.ts";
import { until } from "../support/until.ts";
import { Load } from "./load.ts";

const DISPATCHERS = 4;
const MOMENT_MAX_MS = 600;
/** Mostly nobody takes over meanwhile; now and then somebody does. */
const BLIP_MAX_MS = 1_500;
const OUTAGE_MAX_MS = 2 * leaseDefaults.ttlMs;

interface Connected {
  readonly id: string;
  readonly host: HostProcess;
  /** Its line to nats-server. */
  readonly line: Line;
  readonly load: Load;
  readonly client: LiveClient;
  readonly items: Item[];
}

/** Two hosts, each with dispatchers and somebody who watches, on lines to one nats-server. */
class Lines {
  readonly all: readonly Connected[];
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster, all: readonly Connected[]) {
    this.#cluster = cluster;
    this.all = all;
  }

  static async start(): Promise<Lines> {
    const cluster = await Cluster.start();
    try {
      const all: Connected[] = [];
      for (const id of ["a", "b"]) all.push(await connected(cluster, id));
      return new Lines(cluster, all);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const { client, line } of this.all) {
      client.close();
      line.close();
    }
    await this.#cluster.stop();
  }

  async loseTheEnd(): Promise<void> {
    const [one, other] = this.all;
    await loseTheEnd(this.#cluster, one!, other!);
  }

  /** The journal against what was acknowledged; then what each host shows, and what was heard through it, against the journal. */
  async check(): Promise<Record<string, number>> {
    const { journal } = this.#cluster.ports;
    const acknowledged = this.all.flatMap(({ load }) => load.acknowledged);
    expect(acknowledged.length).toBeGreaterThan(100);
    checkJournal(await journal.read("evt.>", 0), acknowledged, "at the end");
    const written = await writtenIn(journal);
    const versions = new Map<string, number>();
    for (const { kind, entity, id } of written) {
      if (kind === "incident" && id.endsWith("-0")) versions.set(entity, (versions.get(entity) ?? 0) + 1);
    }
    const wanted = written.filter(({ kind }) => kind === "incident");
    for (const { host, items } of this.all) {
      await until(`${host.url} shows all that is in the journal`, async () => {
        const shown = await shownBy(host);
        return [...versions].every(([id, version]) => shown.get(id) === version) && shown.size === versions.size;
      });
      await until("the last was heard", () => stretchesOf(items).at(-1)?.ids.at(-1) === wanted.at(-1)?.id);
      const stretches = stretchesOf(items);
      stretches.forEach(({ after, ids }, at) => {
        const isLast = at === stretches.length - 1;
        const until = isLast ? Number.POSITIVE_INFINITY : Number(ids.at(-1)?.split("-")[0] ?? 0);
        const here = wanted.filter(({ sequence }) => sequence > after && sequence <= until);
        expect(ids).toEqual(here.map(({ id }) => id));
      });
    }
    return { acknowledged: acknowledged.length, envelopes: written.length, heard: wanted.length };
  }
}

async function connected(cluster: Cluster, id: string): Promise<Connected> {
  const line = await Line.to(`nats://${cluster.nats.url}`);
  const host = await cluster.host(id, { NATS_URL: new URL(line.url).host });
  host.start();
  await host.ready();
  const claims = { sub: "watch", agency: "default", roles: ["dispatcher"], unlimited: true };
  const token = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(readFileSync(cluster.secretFile));
  const client = new LiveClient({
    url: `${host.url.replace("http", "ws")}/ws`,
    token,
    WebSocket: asBrowsers(WebSocket),
    backoffMaxMs: 300,
  });
  const items: Item[] = [];
  const watch = async () => {
    for await (const item of client.subscribe("incidents/default", { snapshot: false })) items.push(item);
  };
  void watch();
  await until("it is followed", () => items.some(({ type }) => type === "subscription.live"));
  return { id, host, line, load: new Load(host.url, host.token, id), client, items };
}

async function shownBy(host: HostProcess): Promise<Map<string, number>> {
  const shown = new Map<string, number>();
  for (let cursor = ""; ; ) {
    const { status, body } = await host.get(`/api/v1/incidents?limit=200${cursor}`);
    if (status !== 200) return shown;
    for (const { id, version } of body.items) shown.set(id, version);
    if (body.next === null || body.next === undefined) return shown;
    cursor = `&cursor=${encodeURIComponent(body.next)}`;
  }
}

/** How long a line is broken, and between two breaks: the campaign is about moments, there is nothing to wait for. */
const passing = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Breaks the hosts' lines so many times under load, in every way a line breaks: at once, after it has lost what was sent, or
 * after it was dead without anybody being told. At the end it loses what nothing comes after.
 */
export async function broken(times: number, seed: number) {
  const lines = await Lines.start();
  try {
    const random = randomOf(seed);
    for (const { load } of lines.all) load.start(DISPATCHERS);
    for (let time = 0; time < times; time++) {
      await passing(random() * MOMENT_MAX_MS);
      const { line } = lines.all[Math.floor(random() * 2)]!;
      const way = Math.floor(random() * 3);
      if (way === 1) line.swallow();
      if (way === 2) line.freeze();
      if (way > 0) await passing(random() * (random() < 0.2 ? OUTAGE_MAX_MS : BLIP_MAX_MS));
      line.cut();
    }
    await Promise.all(lines.all.map(({ load }) => load.stop()));
    await lines.loseTheEnd();
    return { breaks: times, seed, ...(await lines.check()) };
  } finally {
    await lines.stop();
  }
}

/** The last that one of them commits is lost on the other one's line, and nothing comes after it. */
async function loseTheEnd(cluster: Cluster, one: Connected, other: Connected): Promise<void> {
  await Promise.all([one.host.ready(), other.host.ready()]);
  const owners = await cluster.owners();
  const id = one.load.acknowledged.find(
    (done) => done.kind === "incident" && owners[partitionOf(done, PARTITIONS_DEFAULT)] === one.id,
  )?.id;
  other.line.swallow();
  expect(await one.host.patch(`/api/v1/incidents/${id}`, { note: "the end" })).toMatchObject({ status: 200 });
  await passing(1_500);
  other.line.cut();
}
