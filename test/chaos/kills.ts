import { expect } from "vitest";
import type { NatsServer } from "../../commands/node/nats-server.ts";
import { randomOf } from "../../runtime/sim/random.ts";
import { checkJournal } from "../simulation/invariants.ts";
import { Cluster } from "../support/cluster.ts";
import type { HostProcess } from "../support/host-process.ts";
import { until } from "../support/until.ts";
import { Load } from "./load.ts";

/** The kills come at random moments within this time after everything is up. */
const MOMENT_MAX_MS = 400;
const DISPATCHERS = 8;

/** One host, and its nats-server, each to be killed by itself. */
export class Victims {
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
    try {
      const host = await cluster.host("local");
      host.start();
      await host.ready();
      return new Victims(cluster, host);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.#cluster.stop();
  }

  /** The whole journal against everything that was acknowledged; and the first answers, once more. */
  async check(load: Load): Promise<Record<string, number>> {
    const entries = await this.#cluster.ports.journal.read("evt.>", 0);
    expect(load.acknowledged.length).toBeGreaterThan(100);
    checkJournal(entries, load.acknowledged, "at the end");
    const repeated = load.answers.slice(-200);
    for (const { answer, ...sent } of repeated) {
      expect(JSON.parse(await (await load.send(sent)).text())).toEqual(JSON.parse(answer));
    }
    return { acknowledged: load.acknowledged.length, envelopes: entries.length, repeated: repeated.length };
  }
}

/** Kills one of them so many times under load, and checks what is left. @returns what was seen */
export async function killed(times: number, seed: number, kill: (victims: Victims, load: Load) => Promise<void>) {
  const victims = await Victims.start();
  try {
    const load = new Load(victims.host.url, victims.host.token);
    const random = randomOf(seed);
    load.start(DISPATCHERS);
    for (let time = 0; time < times; time++) {
      await new Promise((resolve) => setTimeout(resolve, random() * MOMENT_MAX_MS));
      await kill(victims, load);
    }
    await load.stop();
    return { kills: times, seed, ...(await victims.check(load)) };
  } finally {
    await victims.stop();
  }
}

export async function killHost({ host }: Victims): Promise<void> {
  await host.kill("SIGKILL");
  host.start();
  await host.ready();
}

/** Its own keeper starts it again; then everyone must go on unaided. */
export async function killNatsServer({ nats, host }: Victims, load: Load): Promise<void> {
  const { pid } = nats;
  process.kill(pid!, "SIGKILL");
  await until("nats-server was started again", () => nats.pid !== pid);
  await host.ready();
  const before = load.acknowledged.length;
  await until("work goes on", () => load.acknowledged.length >= before + 20);
}
