import uWS from "uWebSockets.js";

/** Listens on any free port of this machine, says on its output which, and ends with whoever started it. */
export function serve(app: uWS.TemplatedApp): void {
  app.listen("127.0.0.1", 0, (socket) => {
    if (socket === false) {
      console.error("cannot listen on 127.0.0.1");
      process.exit(1);
    }
    console.log(JSON.stringify({ url: `http://127.0.0.1:${uWS.us_socket_local_port(socket)}` }));
  });
  process.on("SIGTERM", () => process.exit(0));
  process.stdin.resume().on("end", () => process.exit(0));
}
