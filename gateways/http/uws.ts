/** The only importer of uWebSockets.js: the package may be swapped for another build of it here. */
import uWS from "uWebSockets.js";

export type { HttpRequest, HttpResponse, TemplatedApp, WebSocket } from "uWebSockets.js";

export const createApp = () => uWS.App();

/** @throws when the port is taken or may not be used */
export function listen(app: uWS.TemplatedApp, host: string, port: number): Promise<() => void> {
  return new Promise((resolve, reject) => {
    // Exclusive: a second server on the same port must fail, not share. The package takes the option after the port with a
    // host too; only its types do not say so.
    const listening = app.listen as unknown as (
      this: uWS.TemplatedApp,
      host: string,
      port: number,
      options: number,
      callback: (socket: uWS.us_listen_socket | false) => void,
    ) => void;
    listening.call(app, host, port, EXCLUSIVE_PORT, (socket) => {
      if (socket === false) reject(new Error(`cannot listen on ${host}:${port}: is another process using it?`));
      else resolve(() => uWS.us_listen_socket_close(socket));
    });
  });
}

const EXCLUSIVE_PORT = 1;
