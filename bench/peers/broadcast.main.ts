/**
 * A server that sends what is posted to `/broadcast` to every socket: what `ws` and Socket.IO cost by themselves. It checks
 * nothing and keeps nothing. Prints one line of JSON with its `url` when ready; ends on SIGTERM, or when its standard input
 * is closed.
 */

import { createServer, type Server } from "node:http";
import { Server as SocketIo } from "socket.io";
import { WebSocketServer } from "ws";

const broadcasters: Readonly<Record<string, (server: Server) => (body: Buffer) => void>> = {
  ws: (server) => {
    const sockets = new WebSocketServer({ server, path: "/ws", perMessageDeflate: false });
    return (body) => {
      for (const socket of sockets.clients) socket.send(body, { binary: false });
    };
  },
  "socket.io": (server) => {
    const io = new SocketIo(server, { transports: ["websocket"], serveClient: false });
    // Encoded once for all by its adapter.
    return (body) => {
      io.emit("e", JSON.parse(body.toString()));
    };
  },
};

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    response.writeHead(202, { "content-length": "2" }).end("{}");
    broadcast(Buffer.concat(chunks));
  });
});
const broadcast = broadcasters[process.env["KIND"] ?? "ws"]!(server);

server.listen(0, "127.0.0.1", 4_096, () => {
  const { port } = server.address() as { port: number };
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }));
});

process.on("SIGTERM", () => process.exit(0));
process.stdin.resume().on("end", () => process.exit(0));
