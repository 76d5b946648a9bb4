/** The only importer of uWebSockets.js: the package may be swapped for another build of it here. */
import uWS from "uWebSockets.js";

export type { HttpRequest, HttpResponse, TemplatedApp, WebSocket } from "uWebSockets.js";

export const createApp = () => uWS.App();

/** A GET route, and its HEAD. */
export function getOrHead(
  app: uWS.TemplatedApp,
  pattern: string,
  serve: (response: uWS.HttpResponse, request: uWS.HttpRequest) => void,
): void {
  app.get(pattern, serve);
  app.head(pattern, serve);
}

/** Tells of each connection that comes, 1, and that goes, -1. */
export function onConnections(app: uWS.TemplatedApp, changed: (change: number) => void): void {
  app.filter((_response, change) => changed(Number(change)));
}

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
