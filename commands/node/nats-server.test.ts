import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { until } from "../../test/support/until.ts";
import { NatsServer } from "./nats-server.ts";

it("a nats-server that keeps dying is started again, later and later, on the same port", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "tocsin-nats-"));
  const waitsMs: unknown[] = [];
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (details: object) => waitsMs.push((details as { waitMs?: unknown }).waitMs),
  };
  const binary = process.env["NATS_SERVER"] ?? "nats-server";
  const server = new NatsServer({ binary, dataDir, port: 0, sync: false }, log);
  onTestFinished(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await server.start();
  const { url } = server;
  for (let time = 1; time <= 4; time++) {
    const { pid } = server;
    process.kill(pid!, "SIGKILL");
    await until("another one runs", () => server.pid !== pid && server.ready);
    expect(waitsMs).toHaveLength(time);
  }
  expect(waitsMs).toEqual([0, 100, 200, 400]);
  expect(server.url).toBe(url);
});
