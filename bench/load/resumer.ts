import { connect } from "node:net";
import { clientFrame, eachFrame, PING, PONG, TEXT } from "./socket-frames.ts";

/** Comes back to the very start of the journal. @returns how long it took until it had everything */
export function resume(
  { url, token }: { readonly url: string; readonly token: string },
  topic: string,
): Promise<{ readonly events: number; readonly ms: number; readonly recovered: boolean }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname).setNoDelay();
    socket.once("error", reject);
    socket.write(
      "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    let rest: Buffer = Buffer.alloc(0);
    let upgraded = false;
    let askedAt = 0;
    let events = 0;
    let recovered = false;
    socket.on("data", (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!upgraded) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        upgraded = true;
        rest = rest.subarray(end + 4);
      }
      rest = eachFrame(rest, (opcode, payload) => {
        if (opcode === PING) socket.write(clientFrame(PONG, ""));
        if (opcode !== TEXT) return;
        // Events begin with their topic; only what is said of the connection is looked into.
        if (payload.subarray(0, 40).includes('"topic"')) {
          events += 1;
          return;
        }
        const { type, data } = JSON.parse(payload.toString());
        if (type === "session.opened") {
          askedAt = performance.now();
          const since = { epoch: data.epoch, offset: "0" };
          socket.write(clientFrame(TEXT, JSON.stringify({ type: "subscribe", id: "1", data: { topic, since } })));
        } else if (type === "subscription.opened") recovered = data.recovered;
        else if (type === "subscription.live") {
          socket.destroy();
          resolve({ events, ms: performance.now() - askedAt, recovered });
        }
      });
    });
  });
}
