import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
    await expect(Connection.open(nowhere, systemClock, silent, "t", 300)).rejects.toThrow(nowhere);
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
});
