/** A process with many sockets that count the events they get. It is told what to do, and tells, over its IPC channel. */
import { connect, type Socket } from "node:net";
import { clientFrame, eachFrame, PING, PONG, TEXT } from "./socket-frames.ts";

export interface ListenTo {
  readonly kind: "tocsin" | "ws" | "socket.io" | "uws";
  readonly url: string;
  readonly token: string;
  readonly sockets: number;
}

/** An event is told of once every socket has it. */
export type FromListeners =
  | { readonly type: "listening" }
  | { readonly type: "heard"; readonly event: number; readonly lastAtMs: number; readonly sample?: string };

/** Opened at once, no more: a server's queue of new connections is not what is measured. */
const AT_ONCE = 200;

/** By event: how many sockets have it. */
const heard: number[] = [];
let sockets = 0;

function tell(message: FromListeners): void {
  process.send?.(message);
}

/** Events of a socket come in order, so the one that is heard is known by how many were before it. */
function event(index: number, payload: Buffer): void {
  const count = (heard[index] ?? 0) + 1;
  heard[index] = count;
  if (count < sockets) return;
  // Comparable between processes of one machine.
  const lastAtMs = performance.timeOrigin + performance.now();
  tell({ type: "heard", event: index, lastAtMs, ...(index === 0 ? { sample: payload.toString() } : {}) });
}

const paths = { tocsin: "/ws", ws: "/ws", uws: "/ws", "socket.io": "/socket.io/?EIO=4&transport=websocket" } as const;

/** Resolves when the socket gets events. */
function listen({ kind, url, token }: ListenTo): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname).setNoDelay();
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("a socket was closed")));
    socket.write(
      `GET ${paths[kind]} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    let rest: Buffer = Buffer.alloc(0);
    let upgraded = false;
    let count = -1;
    const ready = () => {
      count = 0;
      resolve();
    };
    const onText = dialogues[kind](socket, ready);
    const onFrame = (opcode: number, payload: Buffer) => {
      if (opcode === PING) socket.write(clientFrame(PONG, ""));
      else if (opcode === TEXT && (count < 0 || payload[0] !== 0x7b)) {
        if (onText(payload)) event(count++, payload);
      } else if (opcode === TEXT) event(count++, payload);
    };
    socket.on("data", (chunk) => {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!upgraded) {
        const end = bytes.indexOf("\r\n\r\n");
        if (end < 0) {
          rest = bytes;
          return;
        }
        upgraded = true;
        bytes = bytes.subarray(end + 4);
        if (kind === "ws" || kind === "uws") ready();
      }
      rest = eachFrame(bytes, onFrame);
    });
  });
}

/** What is said until events come, and beside them. @returns of a text whether it is an event */
const dialogues: Readonly<
  Record<ListenTo["kind"], (socket: Socket, ready: () => void) => (payload: Buffer) => boolean>
> = {
  ws: () => () => true,
  uws: () => () => true,
  tocsin: (socket, ready) => (payload) => {
    const text = payload.toString();
    if (text.includes('"type":"session.opened"')) {
      const data = { topic: "incidents/default", snapshot: false };
      socket.write(clientFrame(TEXT, JSON.stringify({ type: "subscribe", id: "1", data })));
    } else if (text.includes('"type":"subscription.live"')) ready();
    return false;
  },
  "socket.io": (socket, ready) => (payload) => {
    const text = payload.toString();
    if (text.startsWith("0")) socket.write(clientFrame(TEXT, "40"));
    else if (text.startsWith("40")) ready();
    else if (text === "2") socket.write(clientFrame(TEXT, "3"));
    return text.startsWith("42");
  },
};

process.on("message", async (target: ListenTo) => {
  for (let opened = 0; opened < target.sockets; opened += AT_ONCE) {
    const some = Math.min(AT_ONCE, target.sockets - opened);
    await Promise.all(Array.from({ length: some }, () => listen(target)));
  }
  sockets = target.sockets;
  tell({ type: "listening" });
});
process.on("disconnect", () => process.exit(0));
