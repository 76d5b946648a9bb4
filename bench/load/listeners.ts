import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Cleanup } from "./cleanup.ts";
import type { FromListeners, ListenTo } from "./listeners.main.ts";

const HEARD_MS = 60_000;

/** Many sockets in a process of their own. */
export class Listeners {
  readonly #child: ChildProcess;
  readonly #cleanup: Cleanup;
  readonly #waiting = new Map<string, (message: FromListeners) => void>();
  #fail: (error: Error) => void = () => undefined;

  private constructor(child: ChildProcess, cleanup: Cleanup) {
    this.#child = child;
    this.#cleanup = cleanup;
    child.on("message", (message: FromListeners) => this.#waiting.get(keyOf(message))?.(message));
    child.on("exit", () => this.#fail(new Error("the listeners ended")));
  }

  /** Resolves when all of them get events. */
  static async open(target: ListenTo, cleanup: Cleanup): Promise<Listeners> {
    const program = fileURLToPath(
      import.meta.resolve(`./listeners.main${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`),
    );
    const child = cleanup.spawn(process.execPath, [program], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const listeners = new Listeners(child, cleanup);
    const listening = listeners.#wait("listening");
    child.send(target);
    await listening;
    return listeners;
  }

  /** Resolves once every socket has this event; the first is 0. */
  async heard(event: number): Promise<{ readonly lastAtMs: number; readonly sample?: string }> {
    const message = await this.#wait(`heard ${event}`);
    if (message.type !== "heard") throw new Error("it was something else");
    return message;
  }

  stop(): Promise<void> {
    this.#fail = () => undefined;
    return this.#cleanup.stop(this.#child);
  }

  #wait(key: string): Promise<FromListeners> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ${key} in ${HEARD_MS / 1_000} s`)), HEARD_MS);
      this.#fail = reject;
      this.#waiting.set(key, (message) => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        resolve(message);
      });
    });
  }
}

function keyOf(message: FromListeners): string {
  return message.type === "listening" ? "listening" : `heard ${message.event}`;
}
