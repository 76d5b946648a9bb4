import { Agent, request } from "node:http";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const incidents = "/api/v1/incidents";

async function started(): Promise<TestServer> {
  const server = await TestServer.start();
  onTestFinished(() => server.stop());
  return server;
}

/** All that comes back on a connection, until it is closed. @param next sent after the first of it */
function raw(url: string, text: string, next?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let answer = "";
    socket.on("data", (bytes) => {
      if (answer === "" && next !== undefined) socket.write(next);
      answer += bytes.toString();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
    socket.write(text);
  });
}

describe("the HTTP server", () => {
  it("answers HEAD as it would GET, without the body", async () => {
    const server = await started();
    const id = await server.newIncident();
    for (const path of [`${incidents}/${id}`, incidents, "/health/ready", "/openapi.json", "/docs"]) {
      const [get, head] = [await server.get(path), await server.request("HEAD", path)];
      expect(head.status).toBe(200);
      expect(head.body).toBe("");
      for (const name of ["content-type", "etag"]) expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
    const length = Buffer.byteLength(JSON.stringify((await server.get(`${incidents}/${id}`)).body));
    const authorization = `Authorization: Bearer ${server.token}`;
    const head = `HEAD ${incidents}/${id} HTTP/1.1\r\nHost: a\r\n${authorization}\r\n\r\n`;
    const after = "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    // What follows the head is the next answer: nothing in between could be taken for it.
    expect(await raw(server.url, head, after)).toMatch(
      new RegExp(
        `^HTTP/1.1 200 OK\r\n(?:[^\r]+\r\n)*[Cc]ontent-[Ll]ength: ${length}\r\n(?:[^\r]+\r\n)*\r\nHTTP/1.1 404`,
      ),
    );
    expect((await server.request("HEAD", "/nowhere")).status).toBe(404);
  });

  it("names the methods that there are in a header, too", async () => {
    const server = await started();
    const { status, headers } = await server.request("DELETE", incidents);
    expect(status).toBe(405);
    expect(headers.get("allow")?.split(", ").sort()).toEqual(["GET", "HEAD", "POST"]);
  });

  it("takes no request with two lengths, and nothing more on its connection", async () => {
    const server = await started();
    const body = JSON.stringify(smoke);
    const lengths = `Content-Length: ${body.length}\r\nContent-Length: ${body.length + 40}`;
    const head = `POST ${incidents} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${server.token}\r\nContent-Type: application/json`;
    const answer = await raw(server.url, `${head}\r\n${lengths}\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(answer).toContain("Content-Length: only one");
    expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
    expect((await server.get(incidents)).body.items).toEqual([]);
  });

  it("that stops answers every request it has taken, and resets no connection of those who go on", async () => {
    const server = await started();
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    onTestFinished(() => agent.destroy());
    const authorization = { authorization: `Bearer ${server.token}`, "content-type": "application/json" };
    const failures: string[] = [];
    let answered = 0;
    let closed = 0;
    const one = () =>
      new Promise<boolean>((resolve) => {
        const sent = request(server.url + incidents, { method: "POST", agent, headers: authorization }, (response) => {
          answered += 1;
          if (response.headers.connection === "close") closed += 1;
          if (response.statusCode !== 201) failures.push(String(response.statusCode));
          response.resume().on("end", () => resolve(true));
        });
        sent.on("error", (error: NodeJS.ErrnoException) => {
          // Nobody listens any more: the next server would be asked.
          if (error.code !== "ECONNREFUSED") failures.push(String(error.code));
          resolve(false);
        });
        sent.end(JSON.stringify(smoke));
      });
    const client = async () => {
      while (await one());
    };
    const clients = Array.from({ length: 16 }, client);
    await until("there is load", () => answered > 200);
    await server.stop();
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(closed).toBeGreaterThan(0);
  });
});
