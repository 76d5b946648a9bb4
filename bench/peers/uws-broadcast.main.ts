/**
 * What a broadcast costs in uWebSockets.js alone, by its own publish: the ceiling for anything that is built on it. Sends what is
 * posted to `/broadcast` to every socket at `/ws`. Prints one line of JSON with its `url` when ready; ends on SIGTERM, or when
 * its standard input is closed.
 */

import uWS from "uWebSockets.js";
import { serve } from "./serve.ts";

const TOPIC = "all";
const app = uWS.App();

app.ws("/ws", { open: (socket) => void socket.subscribe(TOPIC) });
app.post("/broadcast", (response) => {
  const chunks: Buffer[] = [];
  let isAborted = false;
  response.onAborted(() => {
    isAborted = true;
  });
  response.onData((chunk, isLast) => {
    // The chunk is only lent: what is kept has to be a copy.
    chunks.push(Buffer.from(new Uint8Array(chunk)));
    if (!isLast || isAborted) return;
    response.cork(() => {
      response.writeStatus("202 Accepted").end("{}");
    });
    app.publish(TOPIC, Buffer.concat(chunks), false);
  });
});

serve(app);
