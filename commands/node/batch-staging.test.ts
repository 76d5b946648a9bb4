import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openNats } from "../../runtime/nats/open.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { until } from "../../test/support/until.ts";
import { BatchStaging } from "./batch-staging.ts";
import { NatsServer } from "./nats-server.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const MB = 1_048_576;
const hasMemory = existsSync("/dev/shm") && statfsSync("/dev/shm").bavail * statfsSync("/dev/shm").bsize > 256 * MB;

/** A store with one stream, and a folder that is taken for memory. */
function withStore() {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-staging-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [store, memory] = [join(folder, "store"), join(folder, "memory")];
  const stream = join(store, "jetstream", "$G", "streams", "EVENTS");
  mkdirSync(stream, { recursive: true });
  mkdirSync(memory);
  const place = join(stream, "batches");
  let freeBytes = 300 * MB;
  // As of a folder that is there: it throws where it is not.
  const freeBytesIn = (folder: string) => (statSync(folder).isDirectory() ? freeBytes : undefined);
  const open = (path = store) => BatchStaging.open(path, silent, { memory, freeBytes: freeBytesIn });
  const started = () => {
    const staging = open()!;
    onTestFinished(() => staging.stop());
    return staging;
  };
  return {
    place,
    memory,
    store,
    open,
    started,
    free(bytes: number) {
      freeBytes = bytes;
    },
    isLinked: () => existsSync(place) && lstatSync(place).isSymbolicLink(),
    /** As the server does for a batch whose messages come. */
    begin: () => mkdirSync(join(place, "batch"), { recursive: true }),
    end: () => rmSync(join(place, "batch"), { recursive: true }),
    /** As the server does when it starts. */
    restart: () => rmSync(place, { recursive: true, force: true }),
  };
}

it("batches are put together in memory, also after the server has started again, and what it left there is gone", () => {
  const { place, started, begin, restart, isLinked } = withStore();
  const staging = started();
  expect(isLinked()).toBe(true);
  begin();
  restart();
  staging.look();
  expect(isLinked()).toBe(true);
  expect(readdirSync(place)).toEqual([]);
});

it("nothing is left in memory once it has stopped, nor by a process that was killed, of the same store", () => {
  const { memory, open, place, begin } = withStore();
  const killed = open()!;
  onTestFinished(() => killed.stop());
  begin();
  mkdirSync(join(memory, "tocsin-batches-of-another-store"));
  const [before] = readdirSync(memory).filter((name) => name !== "tocsin-batches-of-another-store");
  rmSync(place);
  const staging = open()!;
  expect(readdirSync(memory)).not.toContain(before);
  staging.stop();
  expect(readdirSync(memory)).toEqual(["tocsin-batches-of-another-store"]);
  expect(existsSync(place)).toBe(false);
});

it("a link of a process that was killed is made anew, also where the server has let it be", () => {
  const { place, open, started } = withStore();
  const killed = open()!;
  onTestFinished(() => killed.stop());
  started();
  expect(existsSync(place)).toBe(true);
});

it("with hardly any memory left, the disk is used, whatever a full memory has left behind, until there is much again", () => {
  const { memory, started, free, begin, end, isLinked } = withStore();
  const staging = started();
  free(65 * MB);
  begin();
  staging.look();
  expect(isLinked(), "little is enough to go on").toBe(true);
  free(63 * MB);
  staging.look();
  expect(isLinked()).toBe(false);
  expect(readdirSync(memory, { recursive: true })).not.toContainEqual(expect.stringContaining("EVENTS"));
  free(255 * MB);
  staging.look();
  expect(isLinked(), "too little to begin").toBe(false);
  free(256 * MB);
  begin();
  staging.look();
  expect(isLinked(), "while one is under way on the disk").toBe(false);
  end();
  staging.look();
  expect(isLinked(), "once that is done").toBe(true);
});

it("what is gone from memory is made again, and is nobody else's", () => {
  const { place, memory, started } = withStore();
  const staging = started();
  const [folder] = readdirSync(memory);
  rmSync(join(memory, folder!), { recursive: true });
  staging.look();
  expect(readdirSync(place)).toEqual([]);
  expect(statSync(join(memory, folder!)).mode & 0o777).toBe(0o700);
});

it("a store is known by whatever path it is reached, and another one is not taken for it under the same path", () => {
  const { memory, store, open } = withStore();
  const first = open()!;
  onTestFinished(() => first.stop());
  const [left] = readdirSync(memory);
  renameSync(store, `${store}-elsewhere`);
  mkdirSync(store);
  const other = open()!;
  onTestFinished(() => other.stop());
  expect(readdirSync(memory), "as of two containers that share their memory").toContain(left);
  symlinkSync(`${store}-elsewhere`, `${store}-link`);
  const again = open(`${store}-link`)!;
  onTestFinished(() => again.stop());
  expect(readdirSync(memory)).not.toContain(left);
});

it("where there is no memory, or too little, the disk is used, and nothing of a process that was killed is left", () => {
  const { memory, open, free, restart, isLinked } = withStore();
  const killed = open()!;
  onTestFinished(() => killed.stop());
  restart();
  free(255 * MB);
  expect(open()).toBeUndefined();
  expect(isLinked()).toBe(false);
  expect(readdirSync(memory)).toEqual([]);
  expect(BatchStaging.open(tmpdir(), silent, { memory: "/nowhere" })).toBeUndefined();
});

it.skipIf(!hasMemory)("a nats-server puts batches together there, before and after it was killed", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "tocsin-staging-"));
  const server = new NatsServer(
    { binary: process.env["NATS_SERVER"] ?? "nats-server", dataDir, port: 0, sync: true },
    silent,
  );
  onTestFinished(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await server.start();
  const ports = await openNats({ url: server.url, replicas: 1 }, systemClock, systemIds, silent);
  onTestFinished(() => ports.close());
  const place = join(dataDir, "nats/jetstream/jetstream/$G/streams/EVENTS/batches");
  const isLinked = () => lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const append = (round: string) =>
    ports.journal.append(
      ["a", "b", "c"].map((id) => ({
        subject: `evt.default.incident.${round}${id}`,
        payload: id,
        expectedSequence: 0,
      })),
    );
  await until("the folder is in memory", isLinked);
  expect(await append("first")).toEqual({ ok: true, sequences: [1, 2, 3] });
  // Left there by a server that dies in the midst of one.
  mkdirSync(join(place, "left"));
  writeFileSync(join(place, "left", "file"), "of a batch");
  const { pid } = server;
  process.kill(pid!, "SIGKILL");
  await until("another one runs", () => server.pid !== pid && server.ready && ports.connected);
  await until("the folder is in memory again", isLinked);
  expect(readdirSync(place)).toEqual([]);
  expect(await append("second")).toEqual({ ok: true, sequences: [4, 5, 6] });
  expect((await ports.journal.read("evt.default.incident.*", 0, 10)).map(({ payload }) => payload)).toEqual([
    ...["a", "b", "c"],
    ...["a", "b", "c"],
  ]);
  await server.stop();
  expect(lstatSync(place, { throwIfNoEntry: false })).toBeUndefined();
});
