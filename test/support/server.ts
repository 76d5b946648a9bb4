import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { readConfiguration } from "../../commands/node/configuration.ts";
import { type Node, startNode } from "../../commands/node/node.ts";
import { readArchiveStatus } from "../../runtime/archive-status.ts";
import { silent } from "../../runtime/sim/process.ts";
import { Api } from "./api.ts";
import { started } from "./running.ts";
import { until } from "./until.ts";

export { type Answer, smoke } from "./api.ts";

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** A whole node in this process, on a real nats-server, in a directory of its own. */
export class TestServer extends Api {
  readonly dataDir: string;
  readonly node: Node;
  readonly url: string;
  readonly token: string;
  readonly #secret: Uint8Array;
  readonly #ended: () => void;
  #stopped: Promise<void> | undefined;

  private constructor(dataDir: string, node: Node) {
    super();
    this.dataDir = dataDir;
    this.node = node;
    this.url = node.url;
    this.#secret = readFileSync(join(dataDir, "jwt.secret"));
    this.token = readFileSync(join(dataDir, "admin.token"), "utf8").trim();
    this.#ended = started(() => this.stop());
  }

  /** In the directory that is given, or in a new one, which is gone again if this fails. */
  static async start(environment: Readonly<Record<string, string>> = {}, dataDir?: string): Promise<TestServer> {
    const folder = dataDir ?? mkdtempSync(join(tmpdir(), "tocsin-"));
    try {
      const configuration = readConfiguration({
        LOG_LEVEL: "error",
        ...process.env,
        // Most tests are of dispatch, which needs none; those of the archive switch it on.
        ARCHIVE: "off",
        MQTT: "off",
        DATA_DIR: folder,
        PORT: String(await freePort()),
        ...environment,
      });
      return new TestServer(folder, await startNode(configuration, silent, () => undefined));
    } catch (error) {
      if (dataDir === undefined) rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Until everything that follows from what is in the journal now has happened, too. */
  async reacted(): Promise<void> {
    const { ports, board, host } = this.node;
    await until("every report of an alert is done", async () => {
      const metrics: string = (await this.get("/metrics")).body;
      const of = (name: string) => Number(new RegExp(`^tocsin_alert_reports_${name} (\\d+)$`, "m").exec(metrics)?.[1]);
      return of("done") === of("accepted");
    });
    const last = await ports.journal.lastSequence();
    // By their place, not by a moment in which nothing is left to do: with others at work that may never come.
    await until("reactions have caught up", () => board.sequence - host.figures.reactionsBehind >= last);
  }

  /** With an archive that is up; on the database that is given, or on the package's own. */
  static async withArchive(environment: Readonly<Record<string, string>> = {}): Promise<TestServer> {
    const server = await TestServer.start({ ARCHIVE: "on", ...environment });
    try {
      await server.archived();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Waits until the archive has everything that is in the streams at this moment. */
  async archived(): Promise<void> {
    await this.reacted();
    const { sources, config } = this.node.ports;
    const states = Object.entries(sources).map(async ([name, source]) => [name, (await source.state()).last] as const);
    const wanted = Object.fromEntries(await Promise.all(states));
    await until("the archive has caught up", async () => {
      const { feeds = {} } = (await readArchiveStatus(config)) ?? {};
      return Object.entries(wanted).every(([name, last]) => {
        const feed = feeds[name];
        return feed !== undefined && feed.state === "running" && feed.sequence >= last;
      });
    });
  }

  /** Whoever says so again, as a test's clean-up does, waits for the same end. */
  async stop(keep = false): Promise<void> {
    this.#stopped ??= this.node.stop().finally(this.#ended);
    await this.#stopped;
    if (!keep) rmSync(this.dataDir, { recursive: true, force: true });
  }

  tokenFor(claims: Readonly<Record<string, unknown>>): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(this.#secret);
  }
}
