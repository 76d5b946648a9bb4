import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConsumerInfo, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { NatsServer } from "../../commands/node/nats-server.ts";
import { Connection } from "../../runtime/nats/connection.ts";
import { type NatsPorts, openNats } from "../../runtime/nats/open.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { silent } from "../../runtime/sim/process.ts";
import { Line } from "../support/line.ts";
import { freePort } from "../support/server.ts";

/** What only the real server can show. */
describe("a nats-server", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "tocsin-nats-"));
  const binary = process.env["NATS_SERVER"] ?? "nats-server";
  const server = new NatsServer({ binary, dataDir, port: 0, sync: false }, silent);
  let ports: NatsPorts;
  beforeAll(async () => {
    await server.start();
    ports = await openNats({ url: server.url, replicas: 1 }, systemClock, systemIds, silent);
  });
  afterAll(async () => {
    await ports.close();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it("that is not there is given up, by name", async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    await expect(Connection.open(nowhere, systemClock, silent, "t", { waitMs: 300 })).rejects.toThrow(nowhere);
  });

  it("cuts pages by their size, and the journal is read to its end all the same", async () => {
    const payload = "x".repeat(1_000_000);
    let expectedSequence = 0;
    for (let index = 0; index < 70; index++) {
      const result = await ports.journal.append([{ subject: "evt.a.incident.big", payload, expectedSequence }]);
      if (!result.ok) throw new Error("the fence failed");
      expectedSequence = result.sequences[0]!;
    }
    expect(await ports.journal.read("evt.*.incident.big", 0)).toHaveLength(70);
  });

  it("that refuses a batch for an id that it knows is not taken for one that takes no writes", async () => {
    const batch = ["1", "2"].map((id) => ({ subject: "alert.in.a.s", payload: id, id }));
    expect((await ports.intake.appendOnce(batch)).ok).toBe(true);
    expect(await ports.intake.appendOnce(batch)).toEqual({ ok: false });
    expect(ports.connection.writes.failingFor(0)).toEqual([]);
  });

  it("hands every follower each entry once and in order, whoever appended it, alone or among others", async () => {
    const url = server.url;
    const others = await openNats({ url, replicas: 1 }, systemClock, systemIds, silent);
    const appended: { sequence: number; payload: string }[] = [];
    const append = async (by: NatsPorts, actor: string, count: number) => {
      const subject = `evt.a.incident.${actor}`;
      for (let expectedSequence = 0, index = 0; index < count; index++) {
        const payload = `${actor} ${index}`;
        const result = await by.journal.append([{ subject, payload, expectedSequence }]);
        if (!result.ok) throw new Error("the fence failed");
        expectedSequence = result.sequences[0]!;
        appended.push({ sequence: expectedSequence, payload });
      }
    };
    const before = await ports.journal.lastSequence();
    const followed = async (by: NatsPorts, after: number) => {
      const seen: { sequence: number; payload: string }[] = [];
      const stop = await new Promise<() => void>((resolve, reject) => {
        let caughtUp = false;
        const follow = by.journal.follow(
          after,
          ({ sequence, payload }) => seen.push({ sequence, payload }),
          () => {
            caughtUp = true;
          },
        );
        follow.then(async (end) => {
          await vi.waitUntil(() => caughtUp, { timeout: 20_000, interval: 5 });
          resolve(end);
        }, reject);
      });
      return { seen, after, stop };
    };
    const followers = [await followed(ports, before), await followed(others, before)];
    await append(ports, "alone", 300);
    // Long enough for both to find that nobody else writes: then only hints, gaps and looks tell.
    await vi.waitUntil(() => ports.following.events === "alone" && others.following.events === "alone", {
      timeout: 20_000,
      interval: 20,
    });
    await append(ports, "still-alone", 300);
    expect(ports.following.events).toBe("alone");
    await append(others, "another", 100);
    await Promise.all([append(ports, "ours", 300), append(others, "theirs", 300), append(others, "theirs-too", 300)]);
    followers.push(await followed(ports, before + 450), await followed(others, before));
    await Promise.all([append(ports, "ours-later", 200), append(others, "theirs-later", 200)]);

    const inOrder = appended.sort((a, b) => a.sequence - b.sequence);
    for (const { seen, after, stop } of followers) {
      const expected = inOrder.filter(({ sequence }) => sequence > after);
      await vi.waitUntil(() => seen.length >= expected.length, { timeout: 20_000, interval: 5 });
      expect(seen).toEqual(expected);
      stop();
    }
    await others.close();
  });

  it("is read again where what it sent was lost on a line that broke, though nothing comes after it", async () => {
    const line = await Line.to(`nats://${server.url}`);
    const away = await openNats({ url: new URL(line.url).host, replicas: 1 }, systemClock, systemIds, silent);
    const jsm = await jetstreamManager(ports.connection.nc);
    const last = await ports.journal.lastSequence();
    const reading = away.sources.events.read(last);
    const read: number[] = [];
    const reader = (async () => {
      for (let page = await reading.next(10); page.length > 0; page = await reading.next(10)) {
        read.push(...page.map(({ sequence }) => sequence));
      }
    })();
    const followed: number[] = [];
    const stopFollowing = await away.journal.follow(
      last,
      ({ sequence }) => followed.push(sequence),
      () => undefined,
    );
    const watched: string[] = [];
    const stopWatching = await away.config.watch((key, entry) => watched.push(`${key} ${entry?.value}`));
    const waiting = async (stream: string) => {
      const consumers: ConsumerInfo[] = [];
      for await (const consumer of jsm.consumers.list(stream)) consumers.push(consumer);
      return consumers.filter(({ num_waiting }) => num_waiting > 0);
    };
    const isSent = async (stream: string) => {
      const { state } = await jsm.streams.info(stream);
      return (await waiting(stream)).every(({ delivered }) => delivered.stream_seq === state.last_seq);
    };
    const append = (payload: string, expectedSequence = 0) =>
      ports.journal.append([{ subject: `evt.a.incident.${payload}`, payload, expectedSequence }]);

    await append("before");
    await vi.waitUntil(() => read.length === 1 && followed.length === 1, { timeout: 20_000, interval: 5 });
    await vi.waitUntil(async () => (await waiting("EVENTS")).length > 0 && (await waiting("KV_config")).length > 0, {
      timeout: 20_000,
      interval: 20,
    });
    line.swallow();
    await append("lost");
    await append("lost-too");
    await ports.config.put([{ key: "lost", value: "at first" }]);
    await vi.waitUntil(async () => (await isSent("EVENTS")) && (await isSent("KV_config")), {
      timeout: 20_000,
      interval: 20,
    });
    expect(read).toEqual([last + 1]);
    line.cut();

    const all = [last + 1, last + 2, last + 3];
    await vi.waitUntil(() => read.length >= 3 && followed.length >= 3, { timeout: 20_000, interval: 5 });
    expect(read).toEqual(all);
    expect(followed).toEqual(all);
    await vi.waitUntil(() => watched.includes("lost at first"), { timeout: 20_000, interval: 5 });
    reading.stop();
    await reader;
    stopFollowing();
    stopWatching();
    await away.close();
    line.close();
  });
});
