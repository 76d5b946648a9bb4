import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { channel } from "../../actors/channel/definition.ts";
import type { Api } from "../support/api.ts";
import { HostProcess } from "../support/host-process.ts";
import { freePort, TestServer } from "../support/server.ts";

/** Words that stand nowhere else. */
const CANARY = "xylophonquartz";
const VISIBLE = "blaubeerkuchen";

/** Files of a data directory in which a word stands, as it is or in base64. */
function filesWith(folder: string, word: string): string[] {
  const shifted = [0, 1, 2].map((shift) =>
    Buffer.from("x".repeat(shift) + word)
      .toString("base64")
      .slice(4, -4),
  );
  // The database may be kept elsewhere, behind a link.
  const folders = [folder, realpathSync(join(folder, "postgres"))];
  return folders
    .flatMap((one) => readdirSync(one, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => {
      const bytes = readFileSync(file);
      return [word, word.toUpperCase(), ...shifted].some((form) => bytes.includes(form));
    });
}

async function newTeam(api: Api): Promise<string> {
  return (await api.post("/api/v1/channels", { kind: "team", name: VISIBLE })).body.id;
}

const found = async (api: Api, id: string) => (await api.get(`/api/v1/channels/${id}/messages?q=${CANARY}`)).body.items;

describe("what is written in messages", () => {
  afterEach(() => vi.restoreAllMocks());

  it("stands in no file, whatever is done with it and however the node ends; search finds it", async () => {
    // With PostgreSQL, whose files are in the same folder.
    const server = await TestServer.withArchive();
    const { dataDir } = server;
    let host: HostProcess | undefined;
    try {
      const id = await newTeam(server);
      const messages = `/api/v1/channels/${id}/messages`;
      const key = { "idempotency-key": "k" };
      const { body: first } = await server.post(messages, { body: `The ${CANARY} burns`, priority: "urgent" }, key);
      await server.patch(`${messages}/${first.id}`, { body: `The ${CANARY} burnt` }, { "idempotency-key": "e" });
      await server.post(`${messages}/${first.id}/acknowledge`, {});

      const post = vi.spyOn(channel.decide, "post").mockImplementation(() => {
        throw new Error("planted");
      });
      const poisoned = await server.post(messages, { body: `${CANARY} is poison` });
      expect(poisoned).toMatchObject({ status: 500, body: { code: "poison" } });
      post.mockRestore();
      const [letter] = await server.node.ports.deadLetters.list(10);
      expect(letter).toMatchObject({ kind: "channel", id, reason: "Error: planted" });
      for (const misfit of [{ body: CANARY, extra: CANARY }, { body: `${CANARY}\u0000` }, `{"body": "${CANARY}`]) {
        expect((await server.post(messages, misfit)).status).toBeGreaterThanOrEqual(400);
      }
      await server.archived();
      await server.stop(true);
      // What is no secret stands in both: so this looks where it would be.
      const readable = filesWith(dataDir, VISIBLE);
      const database = realpathSync(join(dataDir, "postgres"));
      expect(readable.some((file) => file.startsWith(database))).toBe(true);
      expect(readable.some((file) => file.includes("/nats/"))).toBe(true);
      expect(filesWith(dataDir, CANARY)).toEqual([]);

      host = new HostProcess({ dataDir, port: await freePort(), environment: { LOG_LEVEL: "debug" } });
      host.start();
      await host.ready();
      await host.post(messages, { body: `Once more: ${CANARY}` });
      await host.kill("SIGKILL");
      expect(filesWith(dataDir, CANARY)).toEqual([]);

      host.start();
      await host.ready();
      expect((await found(host, id)).map(({ body }: { body: string }) => body)).toEqual([
        `Once more: ${CANARY}`,
        `The ${CANARY} burnt`,
      ]);
      const token = await server.tokenFor({ sub: "other", agency: "default", roles: ["admin"] });
      const other = await host.get(`${messages}?q=${CANARY}`, { authorization: `Bearer ${token}` });
      expect(other.status).toBe(404);
      await host.kill("SIGTERM");
      expect(filesWith(dataDir, CANARY)).toEqual([]);
    } finally {
      await host?.kill("SIGTERM");
      await server.stop();
    }
  });
});
