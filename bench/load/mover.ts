import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Target } from "./finders.ts";

/** Moves the units of a system at a steady rate, as well as the system bears it. */
export class Mover {
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  #failed: Error | undefined;

  constructor(target: Target, size: number, perSecond: number, { staysNear = false } = {}) {
    // Beside this file in the build, with the extension that the build gives it.
    const file = import.meta.resolve(`./mover.main${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`);
    this.#worker = new Worker(fileURLToPath(file), { workerData: { target, size, perSecond, staysNear } });
    this.#exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.on("error", (error) => {
      this.#failed = error instanceof Error ? error : new Error(String(error));
    });
  }

  /** How many moves have been acknowledged so far. */
  async moved(): Promise<number> {
    if (this.#failed !== undefined) throw this.#failed;
    this.#worker.postMessage("moved");
    const [moved] = (await once(this.#worker, "message")) as [number];
    return moved;
  }

  async stop(): Promise<void> {
    this.#worker.postMessage("stop");
    await this.#exited;
  }
}
