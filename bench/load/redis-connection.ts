import { connect, type Socket } from "node:net";

export type RedisValue = string | number | null | Error | readonly RedisValue[];

/** The least of a Redis client: commands are written as they come, and answered in their order (RESP 2). */
export class RedisConnection {
  readonly #socket: Socket;
  readonly #waiting: { resolve(value: RedisValue): void; reject(error: Error): void }[] = [];
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("Redis closed the connection")));
  }

  static open(port: number): Promise<RedisConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1").setNoDelay().once("error", reject);
      socket.once("connect", () => resolve(new RedisConnection(socket.off("error", reject))));
    });
  }

  async send(command: readonly string[]): Promise<RedisValue> {
    const [value] = await this.sendAll([command]);
    return value!;
  }

  /** All in one write. @throws with the first refusal */
  sendAll(commands: readonly (readonly string[])[]): Promise<readonly RedisValue[]> {
    const answers = commands.map(
      () => new Promise<RedisValue>((resolve, reject) => this.#waiting.push({ resolve, reject })),
    );
    this.#socket.write(
      commands
        .map((parts) => `*${parts.length}\r\n${parts.map((p) => `$${Buffer.byteLength(p)}\r\n${p}\r\n`).join("")}`)
        .join(""),
    );
    return Promise.all(answers);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    let at = 0;
    for (let one = parse(this.#received, at); one !== undefined; one = parse(this.#received, at)) {
      at = one.end;
      const waiting = this.#waiting.shift();
      if (one.value instanceof Error) waiting?.reject(one.value);
      else waiting?.resolve(one.value);
    }
    this.#received = this.#received.subarray(at);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** @returns undefined when it has not all come yet */
function parse(from: Buffer, at: number): { readonly value: RedisValue; readonly end: number } | undefined {
  const lineEnd = from.indexOf("\r\n", at);
  if (lineEnd < 0) return undefined;
  const line = from.toString("utf8", at + 1, lineEnd);
  const after = lineEnd + 2;
  switch (String.fromCharCode(from[at]!)) {
    case "+":
      return { value: line, end: after };
    case "-":
      return { value: new Error(`Redis: ${line}`), end: after };
    case ":":
      return { value: Number(line), end: after };
    case "$": {
      const length = Number(line);
      if (length < 0) return { value: null, end: after };
      const end = after + length + 2;
      return from.length < end ? undefined : { value: from.toString("utf8", after, end - 2), end };
    }
    default: {
      const values: RedisValue[] = [];
      let end = after;
      for (let left = Number(line); left > 0; left--) {
        const one = parse(from, end);
        if (one === undefined) return undefined;
        values.push(one.value);
        end = one.end;
      }
      return { value: values, end };
    }
  }
}
