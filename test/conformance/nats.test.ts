import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { NatsServer } from "../../commands/node/nats-server.ts";
import { Connection } from "../../runtime/nats/connection.ts";
import { type NatsPorts, openNats } from "../../runtime/nats/open.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { silent } from "../../runtime/sim/process.ts";
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
});
