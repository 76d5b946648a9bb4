import { readFileSync } from "node:fs";
import { jetstreamManager } from "@nats-io/jetstream";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "../support/cluster.ts";
import type { HostProcess } from "../support/host-process.ts";
import { LiveSocket } from "../support/live-socket.ts";
import { until } from "../support/until.ts";

let cluster: Cluster;
let first: HostProcess;
let second: HostProcess;
let watcher: LiveSocket;

beforeAll(async () => {
  cluster = await Cluster.start();
  [first, second] = [await cluster.host("a"), await cluster.host("b")];
  first.start();
  second.start();
  await Promise.all([first.ready(), second.ready()]);
  watcher = await at(second, "watcher");
  await watcher.follow("presence/default");
}, 120_000);
afterAll(() => cluster.stop());

function tokenOf(sub: string, agency = "default"): Promise<string> {
  const claims = { sub, agency, roles: ["dispatcher"] };
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(readFileSync(cluster.secretFile));
}

const at = async (host: HostProcess, sub: string, agency = "default"): Promise<LiveSocket> =>
  LiveSocket.open(host.url, await tokenOf(sub, agency));

const heardOf = (subject: string) =>
  watcher
    .eventsOf("presence/default")
    .filter(({ data }) => data.subject === subject)
    .map(({ data }) => data.status);

/** Milliseconds until the watcher has heard so much of somebody. */
async function msUntilHeard(subject: string, count: number): Promise<number> {
  const from = performance.now();
  await until(`it is heard that ${subject} comes or goes`, () => heardOf(subject).length >= count);
  return performance.now() - from;
}

async function listedBy(host: HostProcess, query = ""): Promise<string[]> {
  const { body } = await host.get(`/api/v1/presence${query}`);
  return body.items.map(({ subject }: { subject: string }) => subject);
}

describe("somebody", () => {
  it("is there within a second of the first connection, by any gateway, until the last one ends", async () => {
    const one = await at(first, "anna");
    expect(await msUntilHeard("anna", 1)).toBeLessThan(1_000);
    const two = await at(second, "anna");
    expect(await listedBy(first)).toEqual(["anna", "watcher"]);
    expect(await listedBy(second, "?subject=anna")).toEqual(["anna"]);
    expect(await listedBy(second, "?limit=1")).toEqual(["anna"]);
    one.close();
    // Whoever comes back at once, as by loading a page again, has not been away.
    await until("its first one is gone", async () => (await first.health())?.["liveSockets"] === 0);
    two.close();
    const three = await at(first, "anna");
    const bo = await at(first, "bo");
    await msUntilHeard("bo", 1);
    bo.close();
    await msUntilHeard("bo", 2);
    expect(heardOf("anna")).toEqual(["online"]);
    three.close();
    expect(await msUntilHeard("anna", 2)).toBeLessThan(5_000);
    expect(heardOf("anna")).toEqual(["online", "offline"]);
    expect(await listedBy(second)).toEqual(["watcher"]);
  });

  it("of another agency is not seen, nor may its topic be followed", async () => {
    const stranger = await at(first, "stranger", "other");
    expect((await stranger.ask("subscribe", { topic: "presence/default" })).data.code).toBe("forbidden");
    await stranger.follow("presence/other");
    const { data } = await stranger.heard("subscription.snapshot");
    expect(data.items).toMatchObject([{ subject: "stranger", roles: ["dispatcher"], resourceId: null }]);
    const carl = await at(first, "carl");
    await msUntilHeard("carl", 1);
    expect(heardOf("stranger")).toEqual([]);
    expect(stranger.eventsOf("presence/other")).toEqual([]);
    for (const socket of [stranger, carl]) socket.close();
    await msUntilHeard("carl", 2);
  });

  it("is missed within five seconds when its gateway is killed; whoever has another connection is not", async () => {
    const [dora, both, other] = [await at(first, "dora"), await at(first, "both"), await at(second, "both")];
    await Promise.all([msUntilHeard("dora", 1), msUntilHeard("both", 1)]);
    await first.kill("SIGKILL");
    expect(await msUntilHeard("dora", 2)).toBeLessThan(5_000);
    expect(heardOf("dora")).toEqual(["online", "offline"]);
    expect(await listedBy(second)).toEqual(["both", "watcher"]);
    expect(heardOf("both")).toEqual(["online"]);
    for (const socket of [dora, both, other]) socket.close();
    expect(await msUntilHeard("both", 2)).toBeLessThan(5_000);
  });
});

describe("somebody who types", () => {
  it("is seen by the other members within a second, by any gateway, and it is kept nowhere", async () => {
    first.start();
    await first.ready();
    const anna = await at(first, "anna");
    const annaElsewhere = await at(second, "anna");
    const [bo, cy, eve] = [await at(second, "bo"), await at(second, "cy"), await at(second, "eve")];
    const all = [anna, annaElsewhere, bo, cy, eve];
    const done = async (operation: string, more: object) => {
      const { data } = await anna.ask("command", { operation, ...more });
      expect(data.status, JSON.stringify(data.body)).toBeLessThan(300);
      return data.body;
    };
    const { id } = await done("createChannel", { body: { kind: "team", name: "Night", members: ["bo", "cy"] } });
    await Promise.all(all.map((one) => one.follow("channels")));
    await bo.follow(`channel/${id}`);
    const startedMs = performance.now();
    anna.say("typing", { channelId: id });
    const typing = await bo.heard("channel.typing", `channel/${id}`);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(typing.data).toEqual({ channelId: id, subject: "anna", seconds: 6 });

    // However often it is said; and what comes later in the channel comes after it.
    for (let press = 0; press < 20; press++) anna.say("typing", { channelId: id });
    await done("postMessage", { path: { id }, body: { body: "Here" } });
    await Promise.all([anna, bo, cy].map((one) => one.heard("message.new")));
    const typed = (one: LiveSocket) => one.frames.filter(({ type }) => type === "channel.typing");
    expect(all.map((one) => typed(one).map(({ topic }) => topic))).toEqual([
      [],
      [],
      expect.arrayContaining(["channels", `channel/${id}`]),
      ["channels"],
      [],
    ]);
    expect(typed(bo)).toHaveLength(2);

    // Nobody says that of a channel it is no member of, and who is removed hears nothing any more.
    expect((await eve.ask("typing", { channelId: id })).data.code).toBe("not_found");
    await done("changeMembers", { path: { id }, body: { remove: ["bo"] } });
    cy.say("typing", { channelId: id });
    await annaElsewhere.heard("channel.typing", "channels");
    expect((await bo.ask("typing", { channelId: id })).data.code).toBe("not_found");
    expect(typed(bo)).toHaveLength(2);
    await done("closeChannel", { path: { id } });
    expect((await anna.ask("typing", { channelId: id })).data.code).toBe("channel_closed");

    const { streams } = await jetstreamManager(cluster.ports.connection.nc);
    await expect(streams.find(`live.typing.${id}`)).rejects.toThrow();
    for (const socket of all) socket.close();
  });
});
