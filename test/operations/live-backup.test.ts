import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandContext, runBackup, runRestore } from "../../commands/backup/commands.ts";
import { silent } from "../../runtime/sim/process.ts";
import { Load } from "../chaos/load.ts";
import { type Acknowledged, checkJournal } from "../simulation/invariants.ts";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

/** Runs a command; what it tells comes back with its exit code. */
async function run(command: typeof runBackup, args: readonly string[], env: NodeJS.ProcessEnv) {
  const told: string[] = [];
  const tell = (text: string) => void told.push(text);
  const context: CommandContext = {
    out: { result: tell, note: tell, terminal: undefined },
    env: { ...process.env, ...env },
    log: silent,
  };
  return { code: await command(args, context), told: told.join("\n") };
}

describe("a backup of a running system", () => {
  let home: string;
  let original: TestServer;
  let load: Load;
  const backup = (name: string) => run(runBackup, [join(home, name)], { DATA_DIR: original.dataDir });
  const restore = (name: string, dataDir: string) =>
    run(runRestore, [join(home, name)], { DATA_DIR: join(home, dataDir) });

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "tocsin-live-backup-"));
    original = await TestServer.start();
    load = new Load(original.url, original.token);
    load.start(48);
    await until("there is some history", () => load.acknowledged.length > 200);
  });
  afterAll(async () => {
    await load.stop();
    await original.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it("holds a true story with all that was acknowledged before, though the journal was caught within a commit", async () => {
    let name = "";
    let before: readonly Acknowledged[] = [];
    await until("an image of the journal ends within a commit", async () => {
      rmSync(join(home, name || "none"), { recursive: true, force: true });
      name = `under-load-${load.acknowledged.length}`;
      before = [...load.acknowledged];
      expect(await backup(name)).toMatchObject({ code: 0 });
      const [first = ""] = readFileSync(join(home, name, "journal", "tail.jsonl"), "utf8").split("\n");
      return JSON.parse(first).ends === false;
    });
    await until("it went on", () => load.acknowledged.length > before.length + 50);
    await load.stop();
    const restored = await restore(name, "data-under-load");
    expect(restored).toMatchObject({ code: 0, told: expect.stringContaining("nothing is wrong") });

    const server = await TestServer.start({}, join(home, "data-under-load"));
    try {
      const { journal } = server.node.ports;
      checkJournal(await journal.read("evt.>", 0), before);
      const { items } = (await server.get("/api/v1/incidents?limit=500")).body;
      const numbers: string[] = items.map((one: { incidentNumber: string }) => one.incidentNumber);
      const made = await Promise.all(Array.from({ length: 20 }, () => server.post("/api/v1/incidents", smoke)));
      for (const { body } of made) expect(body.incidentNumber > numbers.toSorted().at(-1)!).toBe(true);
      expect(new Set(made.map(({ body }) => body.incidentNumber)).size).toBe(20);
    } finally {
      await server.stop(true);
    }
  });

  it("gives the same answers to repeated requests, and knows the same tokens", async () => {
    const keyed = await original.post("/api/v1/incidents", smoke, { "idempotency-key": "once" });
    expect(await backup("answers")).toMatchObject({ code: 0 });
    expect(await restore("answers", "data-answers")).toMatchObject({ code: 0 });
    const server = await TestServer.start({}, join(home, "data-answers"));
    try {
      expect(server.token).toBe(original.token);
      const again = await server.post("/api/v1/incidents", smoke, { "idempotency-key": "once" });
      expect(again.body).toEqual(keyed.body);
      for (const { key, path, body, answer } of load.answers.slice(0, 20)) {
        expect((await server.post(path, body, { "idempotency-key": key })).body).toEqual(JSON.parse(answer));
      }
    } finally {
      await server.stop(true);
    }
  });

  it("is nobody else's to read, needs a new folder, and leaves nothing when it fails", async () => {
    expect(await backup("private")).toMatchObject({ code: 0 });
    const modes = readdirSync(join(home, "private"), { recursive: true, withFileTypes: true }).map((entry) => {
      const { mode } = statSync(join(entry.parentPath ?? entry.path, entry.name));
      return `${entry.isDirectory() ? "folder" : "file"} ${(mode & 0o777).toString(8)}`;
    });
    expect(new Set(modes)).toEqual(new Set(["folder 700", "file 600"]));
    expect(statSync(join(home, "private")).mode & 0o777).toBe(0o700);
    expect(await backup("private")).toMatchObject({ code: 2, told: expect.stringContaining("exists") });
    const nowhere = await run(runBackup, [join(home, "none")], { DATA_DIR: join(home, "no-data") });
    expect(nowhere).toMatchObject({ code: 2, told: expect.stringContaining("no nats-server runs") });
    expect(readdirSync(home).filter((name) => name.startsWith("none") || name.includes("partial"))).toEqual([]);
  });

  it("is not restored over anything, nor when a byte of it is another one", async () => {
    expect(await backup("changed")).toMatchObject({ code: 0 });
    mkdirSync(join(home, "occupied"));
    writeFileSync(join(home, "occupied", "something"), "");
    expect(await restore("changed", "occupied")).toMatchObject({ code: 2, told: expect.stringContaining("not empty") });
    appendFileSync(join(home, "changed", "streams", "EVENTS"), "x");
    expect(await restore("changed", "data-changed")).toMatchObject({
      code: 2,
      told: expect.stringContaining("EVENTS"),
    });
    rmSync(join(home, "changed", "manifest.json"));
    expect(await restore("changed", "data-changed")).toMatchObject({
      code: 2,
      told: expect.stringContaining("no backup"),
    });
    expect(existsSync(join(home, "data-changed"))).toBe(false);
    expect(readdirSync(home).filter((name) => name.includes("restoring"))).toEqual([]);
  });
});
