import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandContext, runBackup, runRestore } from "../../commands/backup/commands.ts";
import { journalTail, type TailEntry, tailEntryOf } from "../../commands/backup/journal-tail.ts";
import type { Manifest } from "../../commands/backup/manifest.ts";
import { writePart } from "../../commands/backup/part-file.ts";
import { restoreStreams } from "../../commands/backup/restore.ts";
import { pageOf } from "../../commands/backup/stream-entries.ts";
import { NatsServer } from "../../commands/node/nats-server.ts";
import { giveStream, type StreamImage, takeStream } from "../../runtime/nats/stream-snapshot.ts";
import type { KeyValue } from "../../runtime/ports/index.ts";
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

/** The newest entry of the journal that is not the last one of its commit. */
async function lastWithinACommit(jsm: JetStreamManager): Promise<number> {
  const { name } = streams.events;
  let seq = (await jsm.streams.info(name)).state.last_seq;
  while (tailEntryOf((await jsm.streams.getMessage(name, { seq }))!).ends) seq -= 1;
  return seq;
}

/** The journal, as it is, on another server. */
async function giveWhole(from: NatsConnection, to: NatsConnection): Promise<void> {
  const taken: Uint8Array[] = [];
  let image: StreamImage | undefined;
  const chunks = takeStream(from, streams.events.name, (began) => {
    image = began;
  });
  for await (const chunk of chunks) taken.push(chunk);
  await giveStream(to, image!, Readable.from(taken));
}

/**
 * Takes from a stopped server's files all that came after an entry, as if it had been caught there. A block is a row of records, each of
 * which begins with its length (4 bytes, the first bit is a flag) and its sequence (8 bytes), little-endian.
 */
function forgetAfter(sequence: number, folder: string): void {
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    if (!file.endsWith(".blk")) {
      // What the server knows of its blocks it finds out anew.
      rmSync(path);
      continue;
    }
    const block = readFileSync(path);
    let end = 0;
    while (end < block.length && Number(block.readBigUInt64LE(end + 4)) <= sequence)
      end += block.readUInt32LE(end) & 0x7fff_ffff;
    if (end > 0) truncateSync(path, end);
    else rmSync(path);
  }
}

/** Writes the same keys anew, over and over. */
function rewriting(bucket: KeyValue, keys: readonly string[]) {
  let rounds = 0;
  let stopped = false;
  const running = (async () => {
    for (; !stopped; rounds++) await bucket.put(keys.map((key) => ({ key, value: String(rounds) })));
  })();
  return {
    get rounds() {
      return rounds;
    },
    async stop() {
      stopped = true;
      await running;
    },
  };
}

describe("a backup of a running system", () => {
  let home: string;
  let original: TestServer;
  let load: Load;
  const backup = (name: string) => run(runBackup, [join(home, name)], { DATA_DIR: original.dataDir });
  const restore = (name: string, dataDir: string) =>
    run(runRestore, [join(home, name)], { DATA_DIR: join(home, dataDir) });
  const cleanUps: (() => Promise<void>)[] = [];
  const natsIn = async (folder: string) => {
    const binary = process.env["NATS_SERVER"]!;
    const server = new NatsServer({ binary, dataDir: join(home, folder), port: 0, sync: false }, silent);
    await server.start();
    cleanUps.push(() => server.stop());
    const nc = await connect({ servers: server.url });
    const stop = async () => {
      await nc.close();
      await server.stop();
    };
    return { nc, stop };
  };

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
    for (const cleanUp of cleanUps) await cleanUp();
    rmSync(home, { recursive: true, force: true });
  });

  it("taken under load holds a true story with all that was acknowledged before", async () => {
    const busyKeys = Array.from({ length: 1_000 }, (_, index) => `busy.${index}`);
    const busy = rewriting(original.node.ports.requests, busyKeys);
    await until("every key is there", () => busy.rounds > 1);
    const before = [...load.acknowledged];
    const roundsBefore = busy.rounds;
    const taken = await backup("under-load").finally(() => busy.stop());
    expect(taken).toMatchObject({ code: 0 });
    expect(busy.rounds).toBeGreaterThan(roundsBefore);
    await until("it went on", () => load.acknowledged.length > before.length + 50);
    // What more of it there were, the other tests would only have to read.
    await load.stop();
    const restored = await restore("under-load", "data-under-load");
    expect(restored).toMatchObject({ code: 0, told: expect.stringContaining("nothing is wrong") });

    const server = await TestServer.start({}, join(home, "data-under-load"));
    try {
      const { journal, requests } = server.node.ports;
      checkJournal(await journal.read("evt.>", 0), before);
      for (const key of busyKeys)
        expect(Number((await requests.get(key))?.value)).toBeGreaterThanOrEqual(roundsBefore - 1);
      const { items } = (await server.get("/api/v1/incidents?limit=500")).body;
      const numbers: string[] = items.map((one: { incidentNumber: string }) => one.incidentNumber);
      const made = await Promise.all(Array.from({ length: 20 }, () => server.post("/api/v1/incidents", smoke)));
      for (const { body } of made) expect(body.incidentNumber > numbers.toSorted().at(-1)!).toBe(true);
      expect(new Set(made.map(({ body }) => body.incidentNumber)).size).toBe(20);
    } finally {
      await server.stop(true);
    }
  });

  it("completes the commit within which an image of the journal was caught", async () => {
    await load.stop();
    const source = join(home, "within-a-commit");
    mkdirSync(source);
    const { connection, clock } = original.node.ports;
    const jsm = await jetstreamManager(connection.nc);
    const { name } = streams.events;
    const last = await lastWithinACommit(jsm);

    const torn = await natsIn("torn");
    await giveWhole(connection.nc, torn.nc);
    await torn.stop();
    const folders = readdirSync(join(home, "torn"), { recursive: true }) as string[];
    forgetAfter(last, join(home, "torn", folders.find((folder) => folder.endsWith(join("streams", name, "msgs")))!));
    const caught = await natsIn("torn");
    let image: StreamImage | undefined;
    const chunks = takeStream(caught.nc, name, (began) => {
      image = began;
    });
    const part = await writePart(source, "image", chunks);
    await caught.stop();
    expect(image!.state.last_seq).toBe(last);

    const tail: TailEntry[] = [];
    for await (const entry of journalTail(jsm, last, clock)) tail.push(entry);
    const lines = Readable.from(tail.map((entry) => Buffer.from(`${JSON.stringify(entry)}\n`)));
    const manifest = {
      // The image as the server told it: a manifest knows of no more than it looks at.
      streams: [{ ...part, image: image as unknown as Manifest["streams"][0]["image"] }],
      rewritten: [],
      journalTail: await writePart(source, "tail", lines),
    };
    const completed = await natsIn("completed");
    await restoreStreams(source, manifest, completed.nc, 1, { result: () => {}, note: () => {}, terminal: undefined });
    const restored = await jetstreamManager(completed.nc);
    const { last_seq } = (await restored.streams.info(name)).state;
    expect(last_seq).toBeGreaterThan(last);
    const entries = await original.node.ports.journal.read("evt.>", 0);
    for (let at = 0; at < last_seq; ) {
      const page = await pageOf(restored, name, at + 1);
      const written = entries
        .slice(at, at + page.length)
        .map(({ sequence, subject, payload }) => [sequence, subject, payload]);
      expect(page.length).toBeGreaterThan(0);
      expect(page.map((stored) => [stored.seq, stored.subject, stored.string()])).toEqual(written);
      at += page.length;
    }
    checkJournal(entries.slice(0, last_seq), []);
    await completed.stop();
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
