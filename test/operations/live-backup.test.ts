import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandContext, runBackup, runRestore } from "../../commands/backup/commands.ts";
import { journalTail, type TailEntry } from "../../commands/backup/journal-tail.ts";
import type { Manifest } from "../../commands/backup/manifest.ts";
import { writePart } from "../../commands/backup/part-file.ts";
import { restoreStreams } from "../../commands/backup/restore.ts";
import { NatsServer } from "../../commands/node/nats-server.ts";
import { type StreamImage, takeStream } from "../../runtime/nats/stream-snapshot.ts";
import { silent } from "../../runtime/sim/process.ts";
import { streams } from "../../schema/subjects.ts";
import { Load } from "../chaos/load.ts";
import { checkJournal } from "../simulation/invariants.ts";
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

const CHANCE_MS = 20_000;

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

  it("taken under load holds a true story with all that was acknowledged before", async () => {
    const before = [...load.acknowledged];
    expect(await backup("under-load")).toMatchObject({ code: 0 });
    await until("it went on", () => load.acknowledged.length > before.length + 50);
    const restored = await restore("under-load", "data-under-load");
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

  it("completes the commit within which an image of the journal was caught", async (context) => {
    const source = join(home, "within-a-commit");
    const { connection, clock } = original.node.ports;
    const jsm = await jetstreamManager(connection.nc);
    const { name } = streams.events;
    let manifest: Pick<Manifest, "streams" | "journalTail"> | undefined;
    const isWithinACommit = async () => {
      rmSync(source, { recursive: true, force: true });
      mkdirSync(source);
      let image: StreamImage | undefined;
      const chunks = takeStream(connection.nc, name, (began) => {
        image = began;
      });
      const part = await writePart(source, "image", chunks);
      const tail: TailEntry[] = [];
      for await (const entry of journalTail(jsm, image!.state.last_seq, clock)) tail.push(entry);
      const lines = Readable.from(tail.map((entry) => Buffer.from(`${JSON.stringify(entry)}\n`)));
      const journal = await writePart(source, "tail", lines);
      manifest = {
        streams: [{ ...part, image: image as unknown as Manifest["streams"][0]["image"] }],
        journalTail: journal,
      };
      return tail[0]?.ends === false;
    };
    // That one ends within a commit is a matter of chance, which a busy machine may not give.
    const giveUpAt = performance.now() + CHANCE_MS;
    let caught = await isWithinACommit();
    while (!caught && performance.now() < giveUpAt) caught = await isWithinACommit();
    await load.stop();
    context.skip(!caught, `no image of the journal ended within a commit in ${CHANCE_MS / 1_000} s`);
    const dataDir = join(home, "completed");
    const server = new NatsServer({ binary: process.env["NATS_SERVER"]!, dataDir, port: 0, sync: false }, silent);
    await server.start();
    try {
      const nc = await connect({ servers: server.url });
      await restoreStreams(source, manifest!, nc, 1, { result: () => {}, note: () => {}, terminal: undefined });
      const restored = await jetstreamManager(nc);
      const { last_seq } = (await restored.streams.info(name)).state;
      expect(last_seq).toBeGreaterThan(manifest!.streams[0]!.image.state.last_seq);
      const entries = await original.node.ports.journal.read("evt.>", 0);
      for (let seq = 1; seq <= last_seq; seq++) {
        const stored = (await restored.streams.getMessage(name, { seq }))!;
        const { subject, payload } = entries[seq - 1]!;
        expect({ subject: stored.subject, payload: stored.string() }).toEqual({ subject, payload });
      }
      checkJournal(entries.slice(0, last_seq), []);
      await nc.close();
    } finally {
      await server.stop();
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
