import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { NatsServer } from "../../commands/node/nats-server.ts";
import type { PostgresTree } from "../../commands/postgres/programs.ts";
import { type NatsPorts, openNats } from "../../runtime/nats/open.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { type Postgres, startPostgres } from "../peers/postgres.ts";
import type { Cleanup } from "./cleanup.ts";

const silent = { info: () => undefined, warn: () => undefined, error: console.error };

/** A nats-server, a PostgreSQL, and the projector between them, as a node runs them. */
export interface ArchiveBench {
  readonly ports: NatsPorts;
  readonly postgres: Postgres;
  readonly natsPid: number;
  readonly url: string;
  readonly client: pg.Client;
  startProjector(): Projecting;
  stop(): Promise<void>;
}

export interface Projecting {
  readonly pid: number;
  stop(): Promise<void>;
}

/** @param server another PostgreSQL than the packaged one, and what it is to load when it starts */
export async function startArchiveBench(
  root: string,
  cleanup: Cleanup,
  server?: { readonly tree: PostgresTree; readonly preload: readonly string[] },
): Promise<ArchiveBench> {
  const dataDir = await cleanup.folder("journal");
  const binary = process.env["NATS_SERVER"] ?? "nats-server";
  const nats = new NatsServer({ binary, dataDir, port: 0, sync: false }, silent);
  await nats.start();
  cleanup.defer(() => nats.stop());
  const ports = await openNats({ url: nats.url, replicas: 1 }, systemClock, systemIds, silent);
  cleanup.defer(() => ports.close());
  // As the package's own is started, and with the time of each commit, by which the lag is told.
  const preload = server === undefined ? {} : { shared_preload_libraries: server.preload.join(",") };
  const settings = { max_wal_size: "2GB", wal_compression: "on", track_commit_timestamp: "on", ...preload };
  const spawned = (...args: Parameters<Cleanup["spawn"]>) => cleanup.spawn(...args);
  const postgres = await startPostgres(await cleanup.folder("archive"), {
    settings,
    spawn: spawned,
    ...(server === undefined ? {} : { tree: server.tree }),
  });
  cleanup.defer(() => postgres.stop());
  const { user, password, host, port, database } = postgres.connection;
  const url = `postgres://${user}:${password}@${host}:${port}/${database}`;
  const client = new pg.Client({
    connectionString: url,
    options: "-c search_path=tocsin,tocsin_positions,tocsin_reports,public",
  });
  client.on("error", () => undefined);
  await client.connect();
  cleanup.defer(() => client.end());
  return {
    ports,
    postgres,
    natsPid: nats.pid ?? 0,
    url,
    client,
    startProjector() {
      const child = cleanup.spawn(
        process.execPath,
        ["--max-semi-space-size=128", join(root, "dist/commands/archive.main.js")],
        {
          env: { ...process.env, NATS_URL: nats.url, DATABASE_URL: url },
          stdio: ["ignore", "ignore", "inherit"],
        },
      );
      return { pid: child.pid ?? 0, stop: () => cleanup.stop(child) };
    },
    async stop() {
      await cleanup.all();
    },
  };
}

/** Waits until both feeds have caught up. */
export async function caughtUp({ client, ports }: ArchiveBench): Promise<void> {
  const wanted = {
    events: (await ports.sources.events.state()).last,
    locations: (await ports.sources.locations.state()).last,
  };
  for (;;) {
    const { rows } = await client
      .query(
        `select (select sequence from tocsin.checkpoint where feed = 'events') as events,
                (select sequence from tocsin_positions.checkpoint where feed = 'locations') as locations`,
      )
      .catch(() => ({ rows: [] }));
    if (Number(rows[0]?.events) === wanted.events && Number(rows[0]?.locations) === wanted.locations) return;
    await sleep(50);
  }
}

/** Runs a script of psql. @throws with what it said */
export async function psql(file: string, url: string, script: string, cwd: string): Promise<void> {
  const child = spawn(file, ["-X", "-q", "-v", "ON_ERROR_STOP=1", url], { cwd, stdio: ["pipe", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  child.stdin.end(script);
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`psql failed: ${errors.slice(-2_000)}`);
}
