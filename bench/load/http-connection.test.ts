import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../test/support/until.ts";
import { HttpConnection } from "./http-connection.ts";

const ANSWER_MS = 200;

let server: Server;
let sockets: Socket[];
let url: string;
let connection: HttpConnection;

beforeEach(async () => {
  sockets = [];
  server = createServer((request, response) => {
    if (request.url === "/never") return;
    if (request.url === "/broken") response.socket?.destroy();
    else if (request.url === "/endless") response.write("of no length");
    else if (request.url === "/half") response.writeHead(200, { "content-length": 10 }).write("half");
    else response.writeHead(200, { "content-length": 2 }).end("ok");
  });
  server.on("connection", (socket) => sockets.push(socket));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  connection = await HttpConnection.open(url, "none", { answerMs: ANSWER_MS, idleMs: 3_000 });
});

afterEach(() => {
  connection.close();
  server.closeAllConnections();
  server.close();
});

const ask = (path = "/") => connection.expect(200, "GET", path);

/** Both ends know of it when it resolves: the server's closes once the other has answered with its own end. */
async function closeFromServer(): Promise<void> {
  const socket = sockets.at(-1)!;
  socket.end();
  await once(socket, "close");
}

test("one that is closed while it opens again rejects, and leaves nothing open", async () => {
  await closeFromServer();
  const opening = ask();
  connection.close();
  await expect(opening).rejects.toThrow("GET /: it was closed");
  await until("all connections are closed", () => sockets.every(({ destroyed }) => destroyed));
});

test("requests take turns on one connection", async () => {
  for (let request = 0; request < 3; request++) expect(await ask()).toBe("ok");
  expect(sockets).toHaveLength(1);
});

test("what the server closes while it is idle is opened anew by the next request", async () => {
  for (let request = 1; request <= 3; request++) {
    expect(await ask()).toBe("ok");
    expect(sockets).toHaveLength(request);
    await closeFromServer();
  }
});

test("what has been idle for long is opened anew before the server may close it", async () => {
  connection.close();
  connection = await HttpConnection.open(url, "none", { answerMs: ANSWER_MS, idleMs: 0 });
  for (let request = 0; request < 3; request++) expect(await ask()).toBe("ok");
  expect(sockets).toHaveLength(1 + 1 + 3);
  await until("the former ones are closed", () => sockets.filter(({ destroyed }) => !destroyed).length === 1);
});

test("a server that is gone meanwhile is told of by the next request", async () => {
  expect(await ask()).toBe("ok");
  await closeFromServer();
  await new Promise((done) => server.close(done));
  await expect(ask()).rejects.toThrow(/GET \/: .*ECONNREFUSED/);
});

test("one that breaks with a request under way rejects, and the next request has a new one", async () => {
  await expect(ask("/broken")).rejects.toThrow("GET /broken: the server closed the connection");
  expect(await ask()).toBe("ok");
});

test.each(["/never", "/half"])(
  "an answer that does not come in time rejects, and comes to no other request: %s",
  async (path) => {
    await expect(ask(path)).rejects.toThrow(`GET ${path}: no answer within 0.2 s`);
    expect(await ask()).toBe("ok");
    expect(sockets).toHaveLength(2);
  },
);

test("an answer without a length rejects, and what is left of it comes to no other request", async () => {
  await expect(ask("/endless")).rejects.toThrow("GET /endless: an answer without a length");
  expect(await ask()).toBe("ok");
});

test("one that is closed rejects what is under way, and is not opened again", async () => {
  const underWay = ask("/never");
  connection.close();
  await expect(underWay).rejects.toThrow("GET /never: it was closed");
  await expect(ask()).rejects.toThrow("GET /: it was closed");
  expect(sockets).toHaveLength(1);
});
