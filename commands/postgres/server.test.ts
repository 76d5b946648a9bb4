import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { networkInterfaces, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { silent } from "../../runtime/sim/process.ts";
import { until } from "../../test/support/until.ts";
import { PostgresServer } from "./server.ts";

const PARENT = `
import { PostgresServer } from "./dist/commands/postgres/server.js";
const log = { info() {}, warn() {}, error() {} };
const server = new PostgresServer({ dataDir: process.argv[1] }, log);
await server.start();
console.log(server.pid);
setInterval(() => undefined, 1_000);
`;

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-postgres-"));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function started(dataDir: string): Promise<PostgresServer> {
  const server = new PostgresServer({ dataDir }, silent);
  cleanUps.push(() => server.stop());
  await server.start();
  return server;
}

async function query(url: string, text: string) {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const answers = (url: string) =>
  query(url, "select 1").then(
    () => true,
    () => false,
  );

describe("the embedded PostgreSQL", () => {
  it("keeps what it is given, over a stop, a kill and the kill of its parent", async () => {
    const folder = newFolder();
    const first = await started(folder);
    await query(first.url, "create table kept as select 1 as it");
    await first.stop();
    const second = await started(folder);
    expect(await query(second.url, "select it from kept")).toEqual([{ it: 1 }]);
    const { pid } = second;
    process.kill(pid!, "SIGKILL");
    await until("it runs again by itself", async () => second.pid !== pid && (await answers(second.url)));
    expect(await query(second.url, "select it from kept")).toEqual([{ it: 1 }]);
    await second.stop();
    // A parent that is killed leaves its server running: the next one finds it, and ends it before it starts its own.
    const parent = spawn(process.execPath, ["--input-type=module", "-e", PARENT, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const left = await new Promise<number>((resolve) => parent.stdout.once("data", (pid) => resolve(Number(pid))));
    parent.kill("SIGKILL");
    const third = await started(folder);
    // One that has ended and that nobody has asked about works nowhere either.
    expect(() => readlinkSync(`/proc/${left}/cwd`)).toThrow("ENOENT");
    expect(await query(third.url, "select it from kept")).toEqual([{ it: 1 }]);
  });

  it("lets in nobody without the password, from nowhere but this machine", async () => {
    const folder = newFolder();
    const { url } = await started(folder);
    const { port, password } = new URL(url);
    expect(password.length).toBeGreaterThanOrEqual(32);
    for (const wrong of [url.replace(password, "wrong"), url.replace(`:${password}`, "")]) {
      await expect(query(wrong, "select 1")).rejects.toThrow();
    }
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one !== undefined && !one.internal && one.family === "IPv4");
    for (const { address } of others as { address: string }[]) {
      await expect(query(url.replace("127.0.0.1", address), "select 1")).rejects.toThrow("ECONNREFUSED");
    }
    for (const file of ["database.url", "postgres.password", "postgres.log"]) {
      expect([file, statSync(join(folder, file)).mode & 0o777]).toEqual([file, 0o600]);
    }
    expect(port).not.toBe("5432");
  });

  it("never serves from a copy's original: a copied folder starts beside it", async () => {
    const [folder, copy] = [newFolder(), newFolder()];
    const original = await started(folder);
    await query(original.url, "create table kept as select 1 as it; checkpoint");
    execFileSync("cp", ["-a", `${folder}/.`, copy]);
    const other = await started(copy);
    expect(await query(other.url, "select it from kept")).toEqual([{ it: 1 }]);
    expect(other.pid).not.toBe(original.pid);
    expect(await query(original.url, "select it from kept")).toEqual([{ it: 1 }]);
  });

  it.runIf(userInfo().uid === 0)("runs for root, too, in a folder that only root may enter", async () => {
    const closed = newFolder();
    chmodSync(closed, 0o700);
    const folder = join(closed, "data");
    mkdirSync(folder, { mode: 0o700 });
    const server = await started(folder);
    const [{ data_directory }] = await query(server.url, "select current_setting('data_directory') as data_directory");
    cleanUps.unshift(() => rmSync(join(data_directory, ".."), { recursive: true, force: true }));
    expect(data_directory).toMatch(/^\/var\/lib\/tocsin\//);
    expect(readFileSync(`/proc/${server.pid}/status`, "utf8")).not.toMatch(/^Uid:\t0/m);
    await server.stop();
    expect(await answers((await started(folder)).url)).toBe(true);
  });
});
