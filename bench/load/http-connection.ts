import { connect, type Socket } from "node:net";

export interface Answered {
  readonly status: number;
  readonly body: string;
}

/**
 * One connection that is kept, and one request on it at a time: as little as a client can do, so that in the figures it
 * weighs no more than the small clients of the peers. It understands answers with a Content-Length, which all here have.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #head: string;
  #received: Buffer = Buffer.alloc(0);
  #waiting: { resolve(answered: Answered): void; reject(error: Error): void } | undefined;

  private constructor(socket: Socket, head: string) {
    this.#socket = socket;
    this.#head = head;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  static open(url: string, token: string): Promise<HttpConnection> {
    const { hostname, port, host } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname).setNoDelay().once("error", reject);
      socket.once("connect", () => {
        const head = ` HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n`;
        resolve(new HttpConnection(socket.off("error", reject), head));
      });
    });
  }

  send(method: "GET" | "POST" | "PATCH", path: string, body?: unknown): Promise<Answered> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const described =
        text === undefined ? "" : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n`;
      this.#socket.write(`${method} ${path}${this.#head}${described}\r\n${text ?? ""}`);
    });
  }

  /** @throws when it is answered with anything else */
  async expect(status: number, method: "GET" | "POST" | "PATCH", path: string, body?: unknown): Promise<string> {
    const answered = await this.send(method, path, body);
    if (answered.status === status) return answered.body;
    throw new Error(`${method} ${path} answered ${answered.status}: ${answered.body.slice(0, 300)}`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#received.toString("latin1", 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) {
      this.#fail(new Error(`an answer without a length: ${head.slice(0, 200)}`));
      return;
    }
    const end = headEnd + 4 + length;
    if (this.#received.length < end) return;
    const body = this.#received.toString("utf8", headEnd + 4, end);
    this.#received = this.#received.subarray(end);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
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
