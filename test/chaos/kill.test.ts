import { afterEach, describe, expect, it } from "vitest";
import type { NatsServer } from "../../commands/node/nats-server.ts";
import { randomOf } from "../../runtime/sim/random.ts";
import { checkJournal } from "../simulation/invariants.ts";
import { Cluster } from "../support/cluster.ts";
import type { HostProcess } from "../support/host-process.ts";
import { Load } from "./load.ts";

/** The kills come at random moments within this time after everything is up. */
const MOMENT_MAX_MS = 400;

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** One host, and its nats-server, each to be killed by itself. */
class Victims {
  readonly nats: NatsServer;
  readonly host: HostProcess;
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster, host: HostProcess) {
    this.#cluster = cluster;
    this.nats = cluster.nats;
    this.host = host;
  }

  static async start(): Promise<Victims> {
    const cluster = await Cluster.start();
    cleanUps.push(() => cluster.stop());
    const host = await cluster.host("local");
    host.start();
    await host.ready();
    return new Victims(cluster, host);
  }

  /** The whole journal against everything that was acknowledged; and the first answers, once more. */
  async check(load: Load): Promise<void> {
    const entries = await this.#cluster.ports.journal.read("evt.>", 0);
    expect(load.acknowledged.length).toBeGreaterThan(100);
    checkJournal(entries, load.acknowledged, "at the end");
    for (const { answer, ...sent } of load.answers.slice(-200)) {
      expect(JSON.parse(await (await load.send(sent)).text())).toEqual(JSON.parse(answer));
    }
  }
}

describe("kill -9 under load", () => {
  it("of the host, fifty times: what was acknowledged is there once, in order", { timeout: 400_000 }, async () => {
    const victims = await Victims.start();
    const load = new Load(victims.host.url, victims.host.token);
    const random = randomOf(1);
    load.start(8);
    for (let time = 0; time < 50; time++) {
      await new Promise((resolve) => setTimeout(resolve, random() * MOMENT_MAX_MS));
      await victims.host.kill("SIGKILL");
      victims.host.start();
      await victims.host.ready();
    }
    await load.stop();
    await victims.check(load);
  });

  it("of nats-server, five times: the same, and everyone recovers unaided", { timeout: 200_000 }, async () => {
    const victims = await Victims.start();
    const load = new Load(victims.host.url, victims.host.token);
    const random = randomOf(2);
    load.start(8);
    for (let time = 0; time < 5; time++) {
      await new Promise((resolve) => setTimeout(resolve, 200 + random() * MOMENT_MAX_MS));
      const { pid } = victims.nats;
      process.kill(pid!, "SIGKILL");
      // Its own keeper starts it again.
      while (victims.nats.pid === pid) await new Promise((resolve) => setTimeout(resolve, 10));
      await victims.host.ready();
      const before = load.acknowledged.length;
      while (load.acknowledged.length < before + 20) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await load.stop();
    await victims.check(load);
  });
});
