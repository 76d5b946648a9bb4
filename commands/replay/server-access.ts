import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface ServerAccess {
  readonly url: URL;
  readonly token: string;
}

/** It is not known which server, or as whom. The message is for a person at a terminal. */
export class NoAccess extends Error {
  override name = "NoAccess";
}

/**
 * Which server a command of this package talks to, and as whom: what the environment says, else the server that
 * `npm start` runs on this machine and the token that it left for its owner.
 * @throws NoAccess
 */
export async function findServer(env: NodeJS.ProcessEnv): Promise<ServerAccess> {
  const address = env["TOCSIN_URL"] || `http://127.0.0.1:${env["PORT"] || "8080"}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new NoAccess(`TOCSIN_URL must be an http or https address, not "${address}"`);
  const file = join(env["DATA_DIR"] || "data", "admin.token");
  const token = env["TOCSIN_TOKEN"] || (await readFile(file, "utf8").catch(() => ""));
  if (token.trim() === "")
    throw new NoAccess(`no token: start the server with "npm start" first (it writes ${file}), or set TOCSIN_TOKEN`);
  return { url, token: token.trim() };
}
