import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runKeys } from "../../commands/keys/keys.ts";
import { openRunning } from "../../commands/server/running-server.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { silent } from "../../runtime/sim/process.ts";
import { newMasterKey } from "../../runtime/vault/master-keys.ts";
import { TestServer } from "../support/server.ts";

async function keys(dataDir: string, ...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const lines: string[] = [];
  const env = { ...process.env, DATA_DIR: dataDir };
  const say = (line: string) => void lines.push(line);
  const open = () => openRunning(env, systemClock, systemIds, silent);
  const out = { result: say, note: say, terminal: undefined };
  return { code: await runKeys(args, { env, out, open }), text: lines.join("\n") };
}

async function started(...given: Parameters<typeof TestServer.start>): Promise<TestServer> {
  const server = await TestServer.start(...given);
  onTestFinished(() => server.stop());
  return server;
}

async function says(server: TestServer, channel: string, body: string): Promise<void> {
  expect((await server.post(`/api/v1/channels/${channel}/messages`, { body })).status).toBe(201);
}

async function reads(server: TestServer, channel: string): Promise<{ body: string | null; unreadable?: true }[]> {
  return (await server.get(`/api/v1/channels/${channel}/messages`)).body.items;
}

const newTeam = async (server: TestServer): Promise<string> =>
  (await server.post("/api/v1/channels", { kind: "team", name: "T" })).body.id;

/** Under the master key besides those of channels: what pushes are signed by, and what devices' addresses are sealed by. */
const KEYS_OF_THE_NODE = 2;

describe("the master key", () => {
  it("is made for nobody else to read, and rotated while the node runs and over its restarts", async () => {
    const before = await started();
    const { dataDir } = before;
    const file = join(dataDir, "master.key");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const [one, two] = [await newTeam(before), await newTeam(before)];
    await says(before, one, "first");
    await says(before, two, "first");
    const old = readFileSync(file, "utf8");

    const channels = 2;
    const rotated = `${channels + KEYS_OF_THE_NODE} keys are now under`;
    expect(await keys(dataDir, "rotate")).toMatchObject({ code: 0, text: expect.stringContaining(rotated) });
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(3);
    await says(before, await newTeam(before), "a new channel");
    expect((await keys(dataDir, "status")).text).toMatch(
      new RegExp(`: ${channels + 1 + KEYS_OF_THE_NODE} keys\n.*: 0 keys`),
    );
    expect((await keys(dataDir, "retire")).code).toBe(0);
    expect(readFileSync(file, "utf8")).not.toContain(old.trim());
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await says(before, one, "second");
    await before.stop(true);

    const after = await started({}, dataDir);
    expect((await reads(after, one)).map(({ body }) => body)).toEqual(["second", "first"]);
    expect((await reads(after, two)).map(({ body }) => body)).toEqual(["first"]);
  });

  it("is held to be the same at every start; without it only a start that gives the messages up goes on", async () => {
    const before = await started();
    const { dataDir } = before;
    const file = join(dataDir, "master.key");
    const channel = await newTeam(before);
    await says(before, channel, "lost");
    const incident = await before.newIncident();
    await before.stop(true);

    const kept = readFileSync(file);
    rmSync(file);
    await expect(TestServer.start({}, dataDir)).rejects.toThrow("the master key is missing");
    writeFileSync(file, newMasterKey(), { mode: 0o600 });
    await expect(TestServer.start({}, dataDir)).rejects.toThrow("Put the right one back");
    await expect(TestServer.start({ MASTER_KEY: "nonsense" }, dataDir)).rejects.toThrow(
      /^the master key \(MASTER_KEY\)/,
    );

    const after = await started({ MASTER_KEY_LOST: "go-on" }, dataDir);
    expect((await after.get(`/api/v1/incidents/${incident}`)).status).toBe(200);
    await says(after, channel, "new");
    expect(await reads(after, channel)).toMatchObject([{ body: "new" }, { body: null, unreadable: true }]);
    expect((await keys(dataDir, "rotate")).code).toBe(0);
    await after.stop(true);
    writeFileSync(file, kept);
    await expect(TestServer.start({}, dataDir)).rejects.toThrow("Put the right one back");
  });

  it("may come from the environment, where it cannot be changed from here", async () => {
    const { code, text } = await keys("/nowhere", "generate");
    expect(code).toBe(0);
    const server = await started({ MASTER_KEY: text });
    const channel = await newTeam(server);
    await says(server, channel, "hello");
    const env = { ...process.env, DATA_DIR: server.dataDir, MASTER_KEY: text };
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const world = { env, out: { result: say, note: say, terminal: undefined } };
    const open = () => openRunning(env, systemClock, systemIds, silent);
    expect(await runKeys(["rotate"], { ...world, open })).toBe(2);
    expect(lines.join()).toContain("set MASTER_KEY to a new key");
    const burn = await keys(server.dataDir, "burn");
    expect(burn).toEqual({
      code: 2,
      text: "what to do: status, rotate, retire, generate?\nTry: npm run keys -- --help",
    });
  });
});
