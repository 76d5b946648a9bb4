import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Cleanup } from "./cleanup.ts";
import type { Store } from "./finders.ts";
import { signToken } from "./request.ts";
import { firstLine } from "./run.ts";
import type { System } from "./system.ts";

const START_MS = 90_000;

/** uWebSockets.js answering by itself. */
export async function startUwsAlone(cleanup: Cleanup): Promise<System> {
  // It looks at no token; it is sent one all the same, for requests of the same size.
  return startPeer("uws-alone", {}, signToken("none"), cleanup);
}

/** `ws`, Socket.IO or uWebSockets.js alone, sending what is posted to every socket. */
export function startBroadcaster(kind: "ws" | "socket.io" | "uws", cleanup: Cleanup): Promise<System> {
  if (kind === "uws") return startPeer("uws-broadcast", {}, signToken("none"), cleanup);
  return startPeer("broadcast", { KIND: kind }, signToken("none"), cleanup);
}

/**
 * Fastify and PostgreSQL, with the server's default settings.
 * @param transaction as BEGIN, two inserts and COMMIT, or both inserts in one statement
 */
export async function startFastifyPg(transaction: "statements" | "one", cleanup: Cleanup): Promise<System> {
  const secret = randomBytes(32).toString("hex");
  const folder = await cleanup.folder("postgres");
  const env = { DATA_DIR: folder, SECRET: secret, TRANSACTION: transaction };
  const system = await startPeer("fastify-pg", env, signToken(secret), cleanup);
  return {
    ...system,
    stop: async () => {
      await system.stop();
      await cleanup.remove(folder);
    },
  };
}

/** Tocsin's requests for who is near, and for many fixes at once, answered by uWebSockets.js from a store. */
export async function startFinderApi(store: Store, size: number, cleanup: Cleanup): Promise<System> {
  const token = signToken("none");
  return startPeer("finder-api", { STORE: JSON.stringify(store), SIZE: String(size), TOKEN: token }, token, cleanup);
}

async function startPeer(name: string, env: NodeJS.ProcessEnv, token: string, cleanup: Cleanup): Promise<System> {
  // Beside this file in the build, with the extension that the build gives it.
  const program = fileURLToPath(
    import.meta.resolve(`../peers/${name}.main${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`),
  );
  const child = cleanup.spawn(process.execPath, [program], {
    env: { ...process.env, NODE_ENV: "production", ...env },
    // Its input is a pipe that closes when this process dies, however it dies: the peer ends then.
    stdio: ["pipe", "pipe", "pipe"],
  });
  const { url, settings = {} } = await firstLine(child, START_MS, readyLine);
  return { url, token, pids: [child.pid ?? 0], settings, stop: () => cleanup.stop(child) };
}

function readyLine(line: string): { url: string; settings?: Record<string, string> } | undefined {
  return line.startsWith("{") ? JSON.parse(line) : undefined;
}
