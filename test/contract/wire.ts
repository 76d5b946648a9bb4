import { Agent, request } from "node:http";

/** Requests as they are written: nothing of the path is tidied up, and any bytes may be a body. */
export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came; undefined where it was not JSON
  readonly body: any;
}

/** Longer than any request may take here, also one that waits for a list: no answer by then is none. */
const HANGS_MS = 10_000;

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** @throws when nothing has answered after ten seconds */
export function send(url: string, { method, path, headers, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const outgoing = request(
      { agent, hostname, port, method, path, headers: { ...headers, ...length } },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body: jsonIn(text) });
        });
      },
    );
    outgoing.setTimeout(HANGS_MS, () =>
      outgoing.destroy(new Error(`no answer to ${method} ${path} in ${HANGS_MS} ms`)),
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
