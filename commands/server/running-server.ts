import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { isNotFound } from "../../runtime/nats/journal.ts";
import { type NatsPorts, openNats } from "../../runtime/nats/open.ts";
import type { Clock, Ids, Log } from "../../runtime/ports/index.ts";
import { streams } from "../../schema/subjects.ts";
import { isNatsServerOf } from "../node/nats-process.ts";
import { Hindrance } from "../telling.ts";
import { printable } from "./printable.ts";

/** There is no server to talk to, or it is none of ours. */
export class NoServer extends Hindrance {
  override name = "NoServer";
}

const CONNECT_TIMEOUT_MS = 3_000;

/**
 * The nats-server that a command of this package talks to: what the environment says, else the one that `npm start` runs on
 * DATA_DIR. It writes down where it listens for as long as it runs.
 * @throws NoServer
 */
export function natsUrlOf(env: NodeJS.ProcessEnv): string {
  if (env["NATS_URL"]) return env["NATS_URL"];
  const dataDir = env["DATA_DIR"] || "data";
  const home = resolve(dataDir, "nats");
  const ports = join(home, "ports");
  for (const name of existsSync(ports) ? readdirSync(ports) : []) {
    const pid = Number(/^nats-server_(\d+)\.ports$/.exec(name)?.[1]);
    // Elsewhere than on Linux a process cannot be asked where it works: what it wrote has to do.
    const url = pid > 0 && (process.platform !== "linux" || isNatsServerOf(pid, home)) && urlIn(join(ports, name));
    if (url) return url;
  }
  throw new NoServer(
    `no nats-server runs on ${printable(dataDir)}: start the node with "npm start", ` +
      "or name its folder with DATA_DIR, or its server with NATS_URL",
  );
}

function urlIn(file: string): string | undefined {
  try {
    const { nats } = JSON.parse(readFileSync(file, "utf8")) as { nats?: string[] };
    return nats?.[0] && new URL(nats[0]).host;
  } catch {
    return undefined;
  }
}

/** Without the password that a URL may hold. */
function shown(url: string): string {
  return printable(url.replace(/[^/,]*@/g, ""));
}

/**
 * Connects to a running Tocsin's server.
 * @throws NoServer soon, and without having made anything, when none answers or it is another's
 */
export async function openRunning(env: NodeJS.ProcessEnv, clock: Clock, ids: Ids, log: Log): Promise<NatsPorts> {
  const url = natsUrlOf(env);
  const replicas = await replicasAt(url);
  return openNats({ url, replicas }, clock, ids, log);
}

/** The runtime's own connection waits for its server, and makes the streams that are not there: here neither is wanted. */
async function replicasAt(url: string): Promise<number> {
  let nc: NatsConnection;
  try {
    nc = await connect({ servers: url.split(","), reconnect: false, timeout: CONNECT_TIMEOUT_MS });
  } catch (error) {
    throw new NoServer(`no nats-server answers at ${shown(url)} (${reasonOf(error)}): is the node running?`);
  }
  try {
    const jsm = await jetstreamManager(nc);
    const { config } = await jsm.streams.info(streams.events.name);
    await jsm.streams.info(streams.dead.name);
    return config.num_replicas;
  } catch (error) {
    const why = isNotFound(error) ? "it has no such stream" : reasonOf(error);
    throw new NoServer(`the nats-server at ${shown(url)} holds no journal of Tocsin (${why})`);
  } finally {
    await nc.close();
  }
}

function reasonOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}
