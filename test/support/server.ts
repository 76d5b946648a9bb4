import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { readConfiguration } from "../../commands/node/configuration.ts";
import { type Node, startNode } from "../../commands/node/node.ts";
import { silent } from "../../runtime/sim/process.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  readonly body: any;
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** A whole node in this process, on a real nats-server, in a directory of its own. */
export class TestServer {
  readonly dataDir: string;
  readonly node: Node;
  readonly #secret: Uint8Array;
  token: string;

  private constructor(dataDir: string, node: Node) {
    this.dataDir = dataDir;
    this.node = node;
    this.#secret = readFileSync(join(dataDir, "jwt.secret"));
    this.token = readFileSync(join(dataDir, "admin.token"), "utf8").trim();
  }

  static async start(
    environment: Readonly<Record<string, string>> = {},
    dataDir = mkdtempSync(join(tmpdir(), "tocsin-")),
  ): Promise<TestServer> {
    const configuration = readConfiguration({
      ...process.env,
      DATA_DIR: dataDir,
      PORT: String(await freePort()),
      ...environment,
    });
    return new TestServer(dataDir, await startNode(configuration, silent, () => undefined));
  }

  async stop(keep = false): Promise<void> {
    await this.node.stop();
    if (!keep) rmSync(this.dataDir, { recursive: true, force: true });
  }

  tokenFor(claims: Readonly<Record<string, unknown>>): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(this.#secret);
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await fetch(this.node.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== "" ? JSON.parse(text) : text,
    };
  }

  get = (path: string, headers?: Readonly<Record<string, string>>) => this.request("GET", path, undefined, headers);
  post = (path: string, body: unknown, headers?: Readonly<Record<string, string>>) =>
    this.request("POST", path, body, headers);
  patch = (path: string, body: unknown, headers?: Readonly<Record<string, string>>) =>
    this.request("PATCH", path, body, headers);

  async newIncident(more: object = {}): Promise<string> {
    const { body } = await this.post("/api/v1/incidents", { ...smoke, ...more });
    return body.id;
  }

  async newVehicle(callSign: string): Promise<string> {
    return (await this.post("/api/v1/resources/vehicles", { callSign })).body.id;
  }
}

export const smoke = { type: "structure_fire", category: "fire", title: "Smoke from the roof", priority: 2 };
