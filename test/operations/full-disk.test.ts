import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const DISK = mkdtempSync(join(tmpdir(), "tocsin-disk-"));
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", DISK]).status === 0;
afterAll(() => {
  if (mounted) spawnSync("umount", [DISK]);
  rmSync(DISK, { recursive: true, force: true });
});

const incidents = "/api/v1/incidents";
const LARGE = { ...smoke, description: "x".repeat(9_000) };

/** Takes all that is left of the disk. */
function fill(file: string): void {
  for (const size of [1 << 20, 1 << 12]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: "a" });
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOSPC" });
    }
  }
}

// A disk of its own, small enough to be filled, takes the right to mount one.
describe.skipIf(!mounted)("a disk that is full (a small one is mounted: that takes root)", () => {
  it("is told by the health; once there is room again everything goes on unaided, and nothing is lost", async () => {
    const server = await TestServer.start({}, join(DISK, "data"));
    const filler = join(DISK, "filler");
    onTestFinished(() => server.stop());
    // Before it is stopped: what waits for room would be waited for.
    onTestFinished(() => rmSync(filler, { force: true }));
    const acknowledged = [await server.newIncident()];

    fill(filler);
    const report = async () => {
      const { status, body } = await server.post(incidents, LARGE);
      if (status === 201) acknowledged.push(body.id);
      return status;
    };
    const waiting = [report(), report(), report()];
    await until("the health names what takes no writes", async () => {
      const { status, body } = await server.get("/health/ready");
      return status === 503 && /nats-server takes no writes: .*evt for/.test(body.storage ?? "");
    });

    rmSync(filler);
    await until("it is ready again", async () => (await server.get("/health/ready")).status === 200);
    await Promise.all(waiting);
    await until("incidents are taken again", async () => (await report()) === 201);
    for (const id of acknowledged) expect((await server.get(`${incidents}/${id}`)).status).toBe(200);
    expect((await server.get(incidents)).body.items.map(({ id }: { id: string }) => id)).toEqual(
      expect.arrayContaining(acknowledged),
    );
  });
});
