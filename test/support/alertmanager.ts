import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { started } from "./running.ts";
import { freePort } from "./server.ts";
import { until } from "./until.ts";

const PLACES = [
  process.env["ALERTMANAGER"] ?? "",
  "/usr/bin/prometheus-alertmanager",
  ".tools/alertmanager/usr/bin/prometheus-alertmanager",
];

/** Undefined when there is none, and tests that need it are skipped for that reason. */
const found = PLACES.find((file) => file !== "" && existsSync(file));
export const alertmanager = found === undefined ? undefined : resolve(found);

/** A real Prometheus Alertmanager, alone. */
export class Alertmanager {
  readonly url: string;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #ended: () => void;

  private constructor(url: string, folder: string, child: ChildProcess) {
    this.url = url;
    this.#folder = folder;
    this.#child = child;
    this.#ended = started(() => this.stop());
  }

  /** @param configuration as JSON, which is YAML too */
  static async start(program: string, configuration: object): Promise<Alertmanager> {
    const folder = mkdtempSync(join(tmpdir(), "tocsin-alertmanager-"));
    const file = join(folder, "alertmanager.yml");
    writeFileSync(file, JSON.stringify(configuration));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      program,
      [
        `--config.file=${file}`,
        `--storage.path=${folder}`,
        `--web.listen-address=${address}`,
        "--cluster.listen-address=",
        "--log.level=error",
      ],
      // One that was fetched looks for its own files from here.
      { stdio: "ignore", cwd: resolve(dirname(program), "../..") },
    );
    const started = new Alertmanager(`http://${address}`, folder, child);
    await until("Alertmanager is ready", async () => {
      return (await fetch(`${started.url}/-/ready`).catch(() => undefined))?.ok === true;
    });
    return started;
  }

  /** As Prometheus sends it. */
  async post(alerts: readonly object[]): Promise<void> {
    const response = await fetch(`${this.url}/api/v2/alerts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(alerts),
    });
    if (!response.ok) throw new Error(`Alertmanager: ${response.status} ${await response.text()}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = new Promise((done) => this.#child.once("exit", done));
      this.#child.kill("SIGKILL");
      await gone;
    }
    this.#ended();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
