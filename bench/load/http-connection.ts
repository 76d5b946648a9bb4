import { connect, type Socket } from "node:net";

export interface Answered {
  readonly status: number;
  readonly body: string;
}

type Method = "GET" | "POST" | "PATCH";

interface Waiting {
  readonly asked: string;
  resolve(answered: Answered): void;
  reject(error: Error): void;
}

const LIMITS = {
  /** An answer that takes longer is not waited for. */
  answerMs: 60_000,
  /** What is idle for longer may be closed while the next request is on its way. */
  idleMs: 3_000,
};

/**
 * One connection that is kept, and one request on it at a time: as little as a client can do, so that in the figures it
 * weighs no more than the small clients of the peers. It understands answers with a Content-Length, which all here have.
 * Servers close what is idle for long, Node's after 5 s, uWebSockets.js after 10 s: the next request then opens it anew, and does
 * so before it comes to that, as a request that crosses the closing is lost.
 */
export class HttpConnection {
  readonly #open: () => Promise<Socket>;
  readonly #head: string;
  readonly #idleMs: number;
  #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting | undefined;
  #isOver = false;
  #usedMs = performance.now();

  private constructor(open: () => Promise<Socket>, head: string, idleMs: number, socket: Socket) {
    this.#open = open;
    this.#head = head;
    this.#idleMs = idleMs;
    this.#socket = this.#follow(socket);
  }

  static async open(url: string, token: string, { answerMs, idleMs } = LIMITS): Promise<HttpConnection> {
    const { hostname, port, host } = new URL(url);
    const open = () => connected(hostname, Number(port), answerMs);
    const head = ` HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n`;
    return new HttpConnection(open, head, idleMs, await open());
  }

  /** @throws when no whole answer comes, with what was asked */
  async send(method: Method, path: string, body?: unknown): Promise<Answered> {
    const asked = `${method} ${path}`;
    if (this.#isOver) throw new Error(`${asked}: it was closed`);
    const isIdle = performance.now() - this.#usedMs > this.#idleMs;
    if (isIdle || this.#socket.readyState !== "open") await this.#openAgain(asked);
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      this.#waiting = { asked, resolve, reject };
      const described =
        text === undefined ? "" : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n`;
      this.#socket.write(`${asked}${this.#head}${described}\r\n${text ?? ""}`);
    });
  }

  /** @throws when it is answered with anything else */
  async expect(status: number, method: Method, path: string, body?: unknown): Promise<string> {
    const answered = await this.send(method, path, body);
    if (answered.status === status) return answered.body;
    throw new Error(`${method} ${path} answered ${answered.status}: ${answered.body.slice(0, 300)}`);
  }

  close(): void {
    this.#isOver = true;
    this.#socket.destroy(new Error("it was closed"));
  }

  async #openAgain(asked: string): Promise<void> {
    this.#socket.destroy();
    const socket = await this.#open().catch((error: Error) => {
      throw new Error(`${asked}: ${error.message}`, { cause: error });
    });
    this.#received = Buffer.alloc(0);
    this.#socket = this.#follow(socket);
    if (this.#isOver) this.close();
  }

  #follow(socket: Socket): Socket {
    // The end of a former socket may be told only after it was opened anew: it is not this request's.
    const fail = (error: Error) => {
      if (socket === this.#socket) this.#fail(error);
    };
    return socket
      .on("data", (chunk) => this.#read(chunk))
      .on("error", fail)
      .on("close", () => fail(new Error("the server closed the connection")));
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#received.toString("latin1", 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) {
      // Where the next answer begins is not known any more.
      this.#socket.destroy(new Error(`an answer without a length: ${head.slice(0, 200)}`));
      return;
    }
    const end = headEnd + 4 + length;
    if (this.#received.length < end) return;
    const body = this.#received.toString("utf8", headEnd + 4, end);
    this.#received = this.#received.subarray(end);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#usedMs = performance.now();
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  #fail(error: Error): void {
    this.#waiting?.reject(new Error(`${this.#waiting.asked}: ${error.message}`, { cause: error }));
    this.#waiting = undefined;
  }
}

/** @param silentMs a socket on which nothing comes or goes for so long is closed: also while it opens, and while it is idle */
function connected(host: string, port: number, silentMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, timeout: silentMs }).once("error", reject);
    socket.on("timeout", () => socket.destroy(new Error(`no answer within ${silentMs / 1_000} s`)));
    socket.once("connect", () => resolve(socket));
  });
}

/** Runs `task` on every index below `count`, on a number of connections. */
export async function onConnections(
  system: { readonly url: string; readonly token: string },
  connections: number,
  count: number,
  task: (connection: HttpConnection, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    const connection = await HttpConnection.open(system.url, system.token);
    try {
      while (next < count) await task(connection, next++);
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(connections, count) }, lane));
}
