import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../support/server.ts";
import { operate } from "./commands.ts";

const by = { subject: "admin", agencies: ["default"], roles: ["admin"] } as const;

describe("dead letters of a running node", () => {
  let server: TestServer;
  const dead = (args: string) => operate("dead", args, { DATA_DIR: server.dataDir });
  const letters = () => server.node.ports.deadLetters.list(10_000);
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());

  const bury = (id: string, commandId: string, command: object) =>
    server.node.ports.deadLetters.put({
      kind: "incident",
      id,
      reason: "Error: what has been mended since",
      at: "2026-01-01T00:00:00.000Z",
      requestId: "r",
      message: { op: "command", by, requestId: "r", commandId, command },
    });
  const retitle = (title: string) => ({ type: "update", changes: { title } });

  it("are listed, shown, fail again without multiplying, and are removed", async () => {
    const id = await server.newIncident();
    const command = { type: "nonsense\u001b[2J" };
    await server.node.client.ask({ kind: "incident", id }, command, { by, requestId: "r-1" });
    const [letter] = await letters();
    const { sequence } = letter!;

    const listed = await dead("list");
    expect(listed.result.split("\n")[1]).toContain(`incident.${id}  AssertionFailure: incident knows no command`);
    expect(listed.result).not.toContain("\u001b");
    expect(JSON.parse((await dead(`show ${sequence}`)).result)).toEqual(letter);

    const replayed = await dead(`replay ${sequence}`);
    expect(replayed).toMatchObject({ code: 1, result: expect.stringContaining("failed, poison") });
    expect(await letters()).toEqual([letter]);

    expect(await dead(`remove ${sequence}`)).toMatchObject({ code: 0 });
    expect(await dead("list")).toMatchObject({ code: 0, note: "there are no dead letters" });
  });

  it("are done once when they are sent again, however often they were buried", async () => {
    const id = await server.newIncident();
    await bury(id, "late", retitle("late"));
    await bury(id, "late", retitle("late"));
    await bury(id, "refused", { type: "close", disposition: "d" });
    const { code, result } = await dead("replay --all");
    expect(code).toBe(0);
    expect(result.split("\n").map((line) => line.split("  ").pop())).toEqual([
      "done, version 2",
      "had been done before, version 2",
      expect.stringContaining("refused, transition_not_allowed"),
    ]);
    expect((await server.get(`/api/v1/incidents/${id}`)).body).toMatchObject({ title: "late", version: 2 });
    expect(await letters()).toEqual([]);
  });

  it("are all there in their thousands, whatever else lies between them", async () => {
    const count = 2_500;
    await Promise.all(Array.from({ length: count }, (_, index) => bury(`i${index}`, `c${index}`, { type: "close" })));
    await server.node.ports.connection.publish("dead.incident.x", "no letter \u001b[2J\u009b");
    const { code, result } = await dead("list --limit 10000");
    expect(code).toBe(0);
    const lines = result.split("\n").filter((line) => !line.startsWith("seq"));
    expect(lines).toHaveLength(count + 1);
    expect(lines.at(-1)).toMatch(/ incident\.x +this is no letter of Tocsin/);
    const last = (await letters()).at(-1)!.sequence;
    expect(await dead(`replay ${last}`)).toMatchObject({ code: 1 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect((await dead(`show ${last}`)).result.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  it("can be reached by the server's address as well", async () => {
    const { port } = new URL(`nats://${server.node.ports.connection.nc.getServer()}`);
    const { code, result } = await operate("verify", "--json", { NATS_URL: `127.0.0.1:${port}` });
    expect({ code, ok: JSON.parse(result).ok }).toEqual({ code: 0, ok: true });
  });

  it("cannot be reached where nothing runs, which is said at once", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "tocsin-nothing-"));
    try {
      const nowhere = await operate("dead", "list", { DATA_DIR: dataDir });
      expect(nowhere).toMatchObject({ code: 2, note: expect.stringContaining(`no nats-server runs on ${dataDir}`) });
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
    const away = await operate("verify", "", { NATS_URL: "nats://user:secret@127.0.0.1:1" });
    expect(away).toMatchObject({
      code: 2,
      note: expect.stringContaining("no nats-server answers at nats://127.0.0.1:1"),
    });
  });
});
