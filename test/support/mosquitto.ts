import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { started } from "./running.ts";
import { freePort } from "./server.ts";
import { until } from "./until.ts";

/** Where `npm test` has put it, or where it is installed. */
function find(variable: string, ...places: readonly string[]): string | undefined {
  return [process.env[variable] ?? "", ...places].find((file) => file !== "" && existsSync(file));
}

/** Undefined when there is none, and tests that need it are skipped for that reason. */
export const mosquitto = find("MOSQUITTO", "/usr/sbin/mosquitto", ".tools/mosquitto/usr/sbin/mosquitto");
export const mosquittoPub = find("MOSQUITTO_PUB", "/usr/bin/mosquitto_pub", ".tools/mosquitto/usr/bin/mosquitto_pub");

/** A real broker, which writes down at once what it keeps. It may be killed and started again. */
export class Mosquitto {
  readonly port: number;
  readonly folder: string;
  readonly #program: string;
  #child: ChildProcess | undefined;
  readonly #ended: () => void;

  private constructor(program: string, port: number, folder: string) {
    this.#program = program;
    this.port = port;
    this.folder = folder;
    this.#ended = started(() => this.stop());
  }

  /** @param more lines of its configuration */
  static async start(program: string, more: readonly string[] = ["allow_anonymous true"]): Promise<Mosquitto> {
    const folder = mkdtempSync(join(tmpdir(), "tocsin-mosquitto-"));
    const broker = new Mosquitto(program, await freePort(), folder);
    const lines = [
      `listener ${broker.port} 127.0.0.1`,
      // Started by root it would go on as somebody who may not write here.
      `user ${userInfo().username}`,
      "persistence true",
      `persistence_location ${folder}/`,
      "autosave_on_changes true",
      "autosave_interval 1",
      "max_queued_messages 0",
      ...more,
    ];
    writeFileSync(join(folder, "mosquitto.conf"), `${lines.join("\n")}\n`);
    await broker.up();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    this.#child = spawn(this.#program, ["-c", join(this.folder, "mosquitto.conf")], { stdio: "ignore" });
    await until("the broker listens", () => this.#listens());
  }

  /** SIGKILL: it writes nothing any more. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    this.#ended();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await gone;
  }

  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
  }
}
