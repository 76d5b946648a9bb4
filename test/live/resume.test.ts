import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type Item, LiveClient } from "../../client/index.ts";
import { Cluster } from "../support/cluster.ts";
import type { HostProcess } from "../support/host-process.ts";
import { Line } from "../support/line.ts";
import { asBrowsers } from "../support/live-socket.ts";
import { smoke } from "../support/server.ts";
import { until } from "../support/until.ts";
import { stretchesOf, type Written, writtenIn } from "./model.ts";

const SEED = Number(process.env["LIVE_SEED"] ?? 2);
const STEPS = Number(process.env["LIVE_STEPS"] ?? 120);
/** What happens while some are away for long. `npm run test:live` has a night's worth of it. */
const MISSED = Number(process.env["LIVE_MISSED"] ?? 500);
/** Requests under way at once while they are away. */
const LANES = 32;
/** Incidents that it happens to. */
const MANY = 50;

/** A small generator that a seed determines. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Subscriber {
  readonly name: string;
  readonly client: LiveClient;
  readonly lines: readonly Line[];
  readonly items: Item[];
  /** While set it takes nothing: what comes waits for it. */
  holding: Promise<void> | undefined;
  readonly sockets: WebSocket[];
}

let cluster: Cluster;
let hosts: readonly HostProcess[];
const subscribers: Subscriber[] = [];

beforeAll(async () => {
  cluster = await Cluster.start();
  hosts = [await cluster.host("a"), await cluster.host("b")];
  for (const host of hosts) host.start();
  await Promise.all(hosts.map((host) => host.ready()));
}, 120_000);
afterAll(async () => {
  for (const { client, lines } of subscribers) {
    client.close();
    for (const line of lines) line.close();
  }
  await cluster.stop();
});

function tokenFor(agency: string, sub: string): Promise<string> {
  const claims = { sub, agency, roles: ["dispatcher", "supervisor"], unlimited: true };
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(readFileSync(cluster.secretFile));
}

/** One who follows a topic through either gateway, by lines of its own. */
async function subscriber(topic: string, agency: string, subject = `${agency}-watch`): Promise<Subscriber> {
  const lines = await Promise.all(hosts.map(({ url }) => Line.to(url)));
  const sockets: WebSocket[] = [];
  class Watched extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  const client = new LiveClient({
    url: lines.map(({ url }) => url),
    token: await tokenFor(agency, subject),
    WebSocket: asBrowsers(Watched),
    backoffMaxMs: 300,
  });
  const one: Subscriber = { name: topic, client, lines, items: [], holding: undefined, sockets };
  const run = async () => {
    for await (const item of client.subscribe(topic, { snapshot: false })) {
      one.items.push(item);
      if (one.holding !== undefined) await one.holding;
    }
  };
  void run();
  subscribers.push(one);
  await until(`${topic} is followed`, () => one.items.some(({ type }) => type === "subscription.live"));
  return one;
}

describe("whoever follows a topic", () => {
  it(`hears exactly what the journal says, whatever breaks (seed ${SEED})`, {
    timeout: 240_000 + MISSED * 10,
  }, async () => {
    const below = generator(SEED);
    const pick = <T>(all: readonly T[]): T => all[below(all.length)]!;
    const call = async (method: string, path: string, body?: unknown) => {
      // Any gateway does; one that was killed just now is not asked again.
      const answer = await pick(hosts)
        .request(method, path, body)
        .catch(() => undefined);
      return answer !== undefined && answer.status < 300 ? answer.body : undefined;
    };
    const make = async () => {
      const made = await call("POST", "/api/v1/incidents", smoke);
      if (made !== undefined) incidents.push(made.id);
    };
    const incidents: string[] = [];
    while (incidents.length < 3) await make();
    const unit = (await call("POST", "/api/v1/resources/vehicles", { callSign: "R1" }))?.id as string;
    const [first = ""] = incidents;
    await subscriber("incidents/default", "default");
    await subscriber("incidents/default", "default");
    await subscriber("resources/default", "default");
    await subscriber(`incident/${first}`, "default");
    const guest = await subscriber("incidents/guest", "guest");
    await until("the incident's channel is there", async () => {
      const added = await call("POST", `/api/v1/channels/${first}/members`, { add: ["default-watch"] });
      return added !== undefined;
    });
    const members = ["default-watch", "coming"];
    const team = (await call("POST", "/api/v1/channels", { kind: "team", name: "Night", members }))?.id as string;
    await subscriber(`channel/${first}`, "default");
    await subscriber("channels", "default");
    const coming = await subscriber("channels", "default", "coming");
    const readers = new Map(subscribers.map((one) => [one, one === coming ? "coming" : "default-watch"]));

    const away: (() => void)[] = [];
    const acts: readonly (readonly [times: number, act: () => Promise<unknown>])[] = [
      [6, make],
      [16, () => call("PATCH", `/api/v1/incidents/${pick(incidents)}`, { note: `remark ${below(1_000)}` })],
      [6, () => call("POST", `/api/v1/incidents/${pick(incidents)}/assign`, { unitId: unit })],
      [6, () => call("PATCH", `/api/v1/incidents/${pick(incidents)}`, { status: "resolved" })],
      [6, () => call("POST", `/api/v1/incidents/${pick(incidents)}/shares`, { agencyId: "guest" })],
      [6, () => call("DELETE", `/api/v1/incidents/${pick(incidents)}/shares/guest`)],
      [12, () => call("POST", `/api/v1/channels/${pick([first, team])}/messages`, { body: `word ${below(1_000)}` })],
      [2, () => call("POST", `/api/v1/channels/${team}/members`, { remove: ["coming"] })],
      [3, () => call("POST", `/api/v1/channels/${team}/members`, { add: ["coming"] })],
      [8, async () => pick(pick(subscribers).lines).cut()],
      [
        3,
        async () => {
          // Slow: its socket is not read, until some steps later.
          const one = pick(subscribers);
          const socket = one.sockets.at(-1);
          socket?.pause();
          away.push(() => socket?.resume());
        },
      ],
      [4, async () => away.shift()?.()],
      [
        1,
        async () => {
          const host = pick(hosts);
          await host.kill("SIGKILL");
          const all = hosts.filter((other) => other !== host);
          for (let change = 0; change < 10; change++) {
            await all[0]!.patch(`/api/v1/incidents/${first}`, { note: `without one ${change}` }).catch(() => undefined);
          }
          host.start();
          await host.ready();
        },
      ],
    ];
    // Away for hours: everything of that time comes after it, from a gateway that was there and from one that was not.
    const longAway = async () => {
      const gone = [subscribers[0]!, subscribers[3]!, ...subscribers.slice(-2)];
      for (const { lines } of gone) for (const line of lines) line.down();
      for (let made = 0; made < MANY; made++) await make();
      const others = incidents.slice(-MANY);
      let written = 0;
      const lane = async (_: unknown, index: number) => {
        for (let turn = index; written < MISSED; turn++) {
          const note = { note: `meanwhile ${turn}` };
          const path =
            turn % 20 === 0 ? `/api/v1/incidents/${first}` : `/api/v1/incidents/${others[turn % others.length]}`;
          const { status } = await hosts[0]!.patch(path, note);
          if (status === 200) written += 1;
          if (turn % 50 === 0) await hosts[0]!.post(`/api/v1/channels/${team}/messages`, { body: `meanwhile ${turn}` });
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      await hosts[1]!.kill("SIGKILL");
      hosts[1]!.start();
      await hosts[1]!.ready();
      for (const { lines } of gone) for (const line of lines) line.up();
    };
    const weighted = acts.flatMap(([times, act]) => Array.from({ length: times }, () => act));
    for (let step = 0; step < STEPS; step++) {
      if (step === Math.floor(STEPS / 2)) await longAway();
      await pick(weighted)();
    }
    for (const back of away) back();

    // The last word, which everybody hears.
    for (const host of hosts) await host.ready();
    let last: Written | undefined;
    const end = async () => {
      const shares = await hosts[0]!.post(`/api/v1/incidents/${first}/shares`, { agencyId: "guest" });
      const note = await hosts[0]!.patch(`/api/v1/incidents/${first}`, { note: "the end" });
      const status = await hosts[0]!.patch(`/api/v1/resources/vehicles/${unit}`, { name: `the end ${below(1e6)}` });
      await hosts[0]!.post(`/api/v1/channels/${team}/members`, { add: ["coming"] });
      const messages = await Promise.all(
        [first, team].map((id) => hosts[0]!.post(`/api/v1/channels/${id}/messages`, { body: "the end" })),
      );
      return (
        [shares, note, status].every((answer) => answer.status === 200) && messages.every((one) => one.status === 201)
      );
    };
    await until("the end is written", end);
    const written = await writtenIn(cluster.ports.journal);
    for (const one of subscribers) {
      const wanted = written.filter((event) => concerns(one.name, event, readers.get(one)!));
      last = wanted.at(-1);
      await until(`${one.name} has heard the end`, () => stretchesOf(one.items).at(-1)?.ids.at(-1) === last?.id);
    }

    for (const one of subscribers) {
      const stretches = stretchesOf(one.items);
      expect(stretches.length).toBeGreaterThan(0);
      stretches.forEach(({ after, ids }, at) => {
        const before =
          stretches[at + 1] === undefined ? Number.POSITIVE_INFINITY : Number(ids.at(-1)?.split("-")[0] ?? 0);
        const wanted = written.filter(
          (event) => event.sequence > after && event.sequence <= before && concerns(one.name, event, readers.get(one)!),
        );
        if (one === guest) expectGuestHeard(ids, wanted);
        else if (one === coming) expectComingHeard(ids, written, team, after);
        else expect(ids, `${one.name}, stretch ${at}`).toEqual(wanted.map(({ id }) => id));
      });
    }
    // What a restarted gateway cannot have in memory comes from the journal: nobody had to begin anew.
    expect(subscribers.map(({ items }) => stretchesOf(items).length)).toEqual(subscribers.map(() => 1));
  });
});

function concerns(topic: string, { kind, entity, agency, before, after }: Written, reader: string): boolean {
  const [form = "", of = ""] = topic.split("/");
  if (form === "channels") return kind === "channel" && [...before, ...after].includes(reader);
  if (form === "incidents" || form === "resources") {
    return `${kind}s` === form && [agency, ...before, ...after].includes(of);
  }
  return kind === form && entity === of;
}

/**
 * A guest hears what was shared when it happened. Whoever comes back when it is not shared any more hears that it ended,
 * and nothing of what it missed before: so the end of each share is always there, and all of what is still shared.
 */
function expectGuestHeard(ids: readonly string[], wanted: readonly Written[]): void {
  const known = new Map(wanted.map((event, at) => [event.id, at]));
  const places = ids.map((id) => known.get(id));
  expect(places).not.toContain(undefined);
  expect(places).toEqual([...new Set(places as number[])].sort((a, b) => a - b));
  const heard = new Set(ids);
  const stillShared = new Set(wanted.filter(({ after }) => after.includes("guest")).map(({ entity }) => entity));
  for (const { entity, type } of wanted) if (type === "incident.unshared") stillShared.delete(entity);
  const missed = wanted.filter(({ id }) => !heard.has(id));
  expect(missed.filter(({ type }) => type === "incident.unshared")).toEqual([]);
  for (const { entity, sequence } of missed) {
    const ended = wanted.some(
      (later) => later.entity === entity && later.sequence > sequence && later.type === "incident.unshared",
    );
    expect(ended, `the guest missed ${sequence}`).toBe(true);
  }
}

/**
 * Whoever comes and goes hears everything up to where it left and that it left, and everything since it is there again; of
 * what was said between it may read, and hears if it was away all that time.
 */
function expectComingHeard(ids: readonly string[], written: readonly Written[], team: string, start: number): void {
  const all = written.filter(({ kind, entity, sequence }) => kind === "channel" && entity === team && sequence > start);
  const places = ids.map((id) => all.findIndex((event) => event.id === id));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
  const heard = new Set(ids);
  const lastLeft = all.findLastIndex(({ before, after }) => before.includes("coming") && !after.includes("coming"));
  const missed = all.filter(({ id, before, after }) => !heard.has(id) && [...before, ...after].includes("coming"));
  // While it was away it may have been removed and let in again: it then has all of it.
  for (const event of missed) expect(all.indexOf(event), `it missed ${event.id}`).toBeLessThan(lastLeft);
}
