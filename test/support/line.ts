import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./server.ts";

/** A line to a server that can be cut, and be dead without being closed. */
export class Line {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isDown = false;

  private constructor(target: URL, port: number) {
    this.url = `ws://127.0.0.1:${port}/ws`;
    this.#server = createServer((client) => {
      if (this.#isDown) {
        client.destroy();
        return;
      }
      const upstream = connect(Number(target.port), target.hostname);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          this.#sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(upstream).pipe(client);
    });
  }

  /** @param target of HTTP, such as a test server's url */
  static async to(target: string): Promise<Line> {
    const port = await freePort();
    const line = new Line(new URL(target), port);
    await new Promise<void>((resolve) => line.#server.listen(port, "127.0.0.1", resolve));
    return line;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nobody gets through until it is up again. */
  down(): void {
    this.#isDown = true;
    this.cut();
  }

  up(): void {
    this.#isDown = false;
  }

  /** Nothing comes through any more on the connections there are, and nobody is told. */
  freeze(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  /** What is sent is taken, and never comes to the other end. */
  swallow(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.resume();
    }
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
